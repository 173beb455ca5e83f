// A refusal in place of a page.
import type { FC } from "hono/jsx";
import type { Problem, ProblemCode } from "../../problems.ts";
import { messageOf, titleOf } from "../ui/refusal.tsx";

/** Where nothing more is known than the title says: what staff can do. */
const HELP: Partial<Record<ProblemCode, string>> = {
  SERVICE_UNAVAILABLE:
    "The database takes no writes, or does not answer. Installations go on. Try again in a minute; if it lasts, docs/operations/database-full.md says what to do.",
  INTERNAL: "Try again. If it fails again, report the request below.",
};

const helpOf = (problem: Problem): string =>
  (problem.message === `${problem.type.title}.` ? HELP[problem.code] : undefined) ?? messageOf(problem);

/** Where to go on: to the license that the page is about, or to the list of those of which this one is not there. */
function wayOn(path: string, status: number): [href: string, label: string] {
  const license = /^\/admin\/licenses\/[^/]+(?=\/)/.exec(path)?.[0];
  if (license !== undefined && status !== 404) return [license, "Go to the license"];
  const list = /^\/admin\/(?:licenses|customers|instances|messages|requests)(?=\/)/.exec(path)?.[0];
  return list === undefined
    ? ["/admin", "Go to the overview"]
    : [list, `Go to the ${list.slice("/admin/".length)}`];
}

export const RefusalPage: FC<{ problem: Problem; requestId: string; path: string; signedIn: boolean }> = ({
  problem,
  requestId,
  path,
  signedIn,
}) => {
  const [href, label] = signedIn ? wayOn(path, problem.type.status) : ["/admin/sign-in", "Go to the sign-in"];
  return (
    <section class="card narrow">
      <p class="soft">{problem.type.status}</p>
      <h1>{titleOf(problem)}</h1>
      <p>{helpOf(problem)}</p>
      <p class="soft">
        Request <code>{requestId}</code>
      </p>
      <p>
        <a class="button" href={href}>
          {label}
        </a>
      </p>
    </section>
  );
};
