// A refusal in place of a page.
import type { FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import { messageOf } from "../ui/refusal.tsx";

/** The license that a page is about: the refusal links back to it. */
const licenseIn = (path: string): string | undefined => /^\/admin\/licenses\/[^/]+(?=\/)/.exec(path)?.[0];

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
      <p>{messageOf(problem)}</p>
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
