// A refusal in place of a page.
import type { FC } from "hono/jsx";
import type { Problem, ProblemCode } from "../../problems.ts";
import { messageOf } from "../ui/refusal.tsx";

/** The license that a page is about: the refusal links back to it. */
const licenseIn = (path: string): string | undefined => /^\/admin\/licenses\/[^/]+(?=\/)/.exec(path)?.[0];

/** Where nothing more is known than the title says: what staff can do. */
const HELP: Partial<Record<ProblemCode, string>> = {
  SERVICE_UNAVAILABLE:
    "The database takes no writes, or does not answer. Installations go on. Try again in a minute; if it lasts, docs/operations/database-full.md says what to do.",
  INTERNAL: "Try again. If it fails again, report the request below.",
};

const helpOf = (problem: Problem): string =>
  (problem.message === `${problem.type.title}.` ? HELP[problem.code] : undefined) ?? messageOf(problem);

export const RefusalPage: FC<{ problem: Problem; requestId: string; path: string }> = ({
  problem,
  requestId,
  path,
}) => {
  const license = problem.type.status === 404 ? undefined : licenseIn(path);
  return (
    <section class="card narrow">
      <p class="soft">{problem.type.status}</p>
      <h1>{problem.type.title}</h1>
      <p>{helpOf(problem)}</p>
      <p class="soft">
        Request <code>{requestId}</code>
      </p>
      <p>
        <a class="button" href={license ?? "/admin"}>
          {license ? "Go to the license" : "Go to the overview"}
        </a>
      </p>
    </section>
  );
};
