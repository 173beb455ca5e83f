// Refusals for people: what is wrong, what to do, and the request id that is in the log.
import type { Child, FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import { wordsFor } from "./show.tsx";
import { ACTION_NAMES } from "./terms.ts";

/** Titles written for programs, in words for the person who filled in the form. */
const TITLES: Partial<Record<Problem["code"], string>> = {
  REQUEST_INVALID: "Not done yet: please correct this",
  UNAUTHENTICATED: "Not signed in",
};

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
        <strong>{TITLES[problem.code] ?? problem.type.title}</strong>
      </p>
      <Faults problem={problem} fields={fields} />
    </div>
  ) : null;
