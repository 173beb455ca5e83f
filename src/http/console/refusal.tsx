// Refusals as a person reads them: what is wrong, what to do, and the id that the log knows.
import type { FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import { wordsFor } from "./parts/show.tsx";

/** What a title that is made for programs means to whoever filled in a form. */
const TITLES: Partial<Record<Problem["code"], string>> = {
  REQUEST_INVALID: "Not done yet: please correct this",
  UNAUTHENTICATED: "Not signed in",
};

/** On top of a form that was refused. */
export const Refusal: FC<{ problem: Problem | null }> = ({ problem }) => {
  if (!problem) return null;
  const errors = problem.extras.errors ?? [];
  return (
    <div class="note stop" role="alert">
      <p>
        <strong>{TITLES[problem.code] ?? problem.type.title}</strong>
      </p>
      {errors.length > 0 ? (
        <ul>
          {errors.slice(0, 50).map(({ path, message }) => (
            <li>
              {path ? (
                <>
                  <strong>{wordsFor(path)}</strong>:{" "}
                </>
              ) : null}
              {message}
            </li>
          ))}
        </ul>
      ) : (
        <p>{problem.message}</p>
      )}
    </div>
  );
};

/** In place of a page. */
export const RefusalPage: FC<{ problem: Problem; requestId: string }> = ({ problem, requestId }) => (
  <section class="card narrow">
    <p class="soft">{problem.type.status}</p>
    <h1>{problem.type.title}</h1>
    <p>{problem.message}</p>
    <p class="soft">
      Request <code>{requestId}</code>
    </p>
    <p>
      <a class="button" href="/admin">
        To the overview
      </a>
    </p>
  </section>
);
