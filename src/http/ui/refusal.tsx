// Refusals as a person reads them: what is wrong, what to do, and the id that the log knows.
import type { Child, FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import { ACTION_NAMES, wordsFor } from "./show.tsx";

/** What a title that is made for programs means to whoever filled in a form. */
const TITLES: Partial<Record<Problem["code"], string>> = {
  REQUEST_INVALID: "Not done yet: please correct this",
  UNAUTHENTICATED: "Not signed in",
};

/** The fields of a form by the members that they stand for. */
export type Fields = Map<string, { id: string; label: Child }>;

/** A member of a request as the form calls it, with a way to its field. */
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

/** What it says, with the names that the console has for what can be done with a license. */
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

/** On top of a form that was refused. */
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
