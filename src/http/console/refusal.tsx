// Refusals as a person reads them: what is wrong, what to do, and the id that the log knows.
import type { FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";

/** On top of a form that was refused. */
export const Refusal: FC<{ problem: Problem | null }> = ({ problem }) => {
  if (!problem) return null;
  const errors = problem.extras.errors ?? [];
  return (
    <div class="note stop" role="alert">
      <p>
        <strong>
          {problem.code === "REQUEST_INVALID" ? "Not done yet: please correct this" : problem.type.title}
        </strong>
      </p>
      {errors.length > 0 ? (
        <ul>
          {errors.slice(0, 50).map(({ path, message }) => (
            <li>
              {path ? (
                <>
                  <code>{path}</code>:{" "}
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
