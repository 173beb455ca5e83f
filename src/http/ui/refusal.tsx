// Refusals for people: what is wrong, what to do, and the request id that is in the log.
import type { ErrorHandler } from "hono";
import { html } from "hono/html";
import type { Child, FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import type { AppEnv } from "../http.ts";
import { dress, problemOf } from "../middleware.ts";
import { asPage } from "./page.ts";
import { ACTION_NAMES, wordsFor } from "./terms.ts";

/** Titles written for programs, in words for the person who filled in the form. */
const TITLES: Partial<Record<Problem["code"], string>> = {
  REQUEST_INVALID: "Not done yet: please correct this",
  UNAUTHENTICATED: "Not signed in",
  FORBIDDEN: "You may not do this",
};

export const titleOf = ({ code, type }: Problem): string => TITLES[code] ?? type.title;

/** The fields of a form, by the members that they stand for. */
export type Fields = Map<string, { id: string; label: Child }>;

/** A member of a request by its label in the form, with a link to the field. */
export const Member: FC<{ path: string; fields: Fields }> = ({ path, fields }) => {
  const [name = ""] = path.split(".");
  const field = fields.get(path) ?? fields.get(name);
  if (!field) return <strong>{wordsFor(path)}</strong>;
  return (
    <>
      <a href={`#${field.id}`}>{field.label}</a>
      {fields.has(path) ? "" : `, ${wordsFor(path.slice(name.length + 1))}`}
    </>
  );
};

/** The detail, with the console's names for the actions on a license. */
export function messageOf({ message, extras }: Problem): string {
  const allowed = extras.allowed_transitions ?? [];
  const names: Record<string, string> = ACTION_NAMES;
  return message.replace(allowed.join(", "), allowed.map((name) => names[name] ?? name).join(", "));
}

/** What is wrong, field by field. */
export const Faults: FC<{ problem: Problem; fields: Fields }> = ({ problem, fields }) => {
  const errors = problem.extras.errors ?? [];
  if (errors.length === 0) return <p>{messageOf(problem)}</p>;
  return (
    <ul>
      {errors.slice(0, 50).map(({ path, message }) => (
        <li>
          {path ? (
            <>
              <Member path={path} fields={fields} />:{" "}
            </>
          ) : null}
          {message}
        </li>
      ))}
    </ul>
  );
};

/** At the top of a form that was refused. */
export const Refusal: FC<{ problem: Problem | null; fields?: Fields }> = ({
  problem,
  fields = new Map() as Fields,
}) =>
  problem ? (
    <div class="note stop" role="alert">
      <p>
        <strong>{titleOf(problem)}</strong>
      </p>
      <Faults problem={problem} fields={fields} />
    </div>
  ) : null;

/**
 * Answers where no page of the site can be made, as its configuration is what failed: a page that needs none. The style
 * sheet is served without the Worker.
 */
export const failedPage =
  (site: "/admin" | "/portal", words: string): ErrorHandler<AppEnv> =>
  async (error, http) => {
    const { code, type, extras } = problemOf(error, http);
    http.set("problemCode", code);
    asPage(http);
    http.header("Retry-After", String(extras.retry_after ?? 60));
    const page = (
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{type.title}</title>
          <link rel="icon" href={`${site}/assets/icon.svg`} type="image/svg+xml" />
          <link rel="stylesheet" href={`${site}/assets/console.css`} />
        </head>
        <body class="alone">
          <main>
            <section class="card">
              <h1>{type.title}</h1>
              <p>{words}</p>
              <p class="soft">
                Request <code>{http.get("requestId")}</code>
              </p>
              <p>
                <a class="button" href={site}>
                  Try again
                </a>
              </p>
            </section>
          </main>
        </body>
      </html>
    );
    const response = await http.html(html`<!doctype html>${page}`, type.status as never);
    dress(http, response);
    return response;
  };
