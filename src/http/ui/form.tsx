// Forms: every field with its label, hint and fault, linked for screen readers.
import { html } from "hono/html";
import type { Child, FC } from "hono/jsx";
import type { Problem } from "../../problems.ts";
import type { Entry } from "./entry.ts";
import { Faults, type Fields, Refusal } from "./refusal.tsx";
import { type Change, isOvertaken, Overtaken, Version } from "./overtaken.tsx";

/** What a form must know of the visitor: the site that shows the form makes the proof. */
interface Visited {
  formToken: string;
}

/** The hidden fields of each form: the proof that it is ours, and its number. */
export const FormFields: FC<{ visit: Visited }> = ({ visit }) => (
  <>
    <input type="hidden" name="form_token" value={visit.formToken} />
    <input type="hidden" name="once" value={crypto.randomUUID()} />
  </>
);

/** A form that changes something. `entry` holds the sent values if it was refused. */
export const PostForm: FC<{
  visit: Visited;
  entry?: Entry;
  /** What it changes, if somebody else may change it first. */
  changes?: Change | undefined;
  /** Its address, if not that of the page. */
  action?: string;
  files?: boolean;
  /** Whether a script sends it as soon as a file is chosen: the form only looks at the file. */
  atOnce?: boolean;
  /** Whether a script shows its effect while it is filled in. */
  live?: boolean;
  children?: Child;
}> = async ({ visit, entry, changes, action, files, atOnce, live, children }) => {
  const fields: Fields = entry?.fields ?? new Map();
  // Rendered before the refusal above them, which calls them by their labels.
  const made = await html`${children}`;
  return (
    <form
      class="form"
      method="post"
      action={action}
      enctype={files ? "multipart/form-data" : undefined}
      data-once
      // As an attribute for scripts, false would be a text.
      data-live={live || undefined}
      data-at-once={atOnce || undefined}
    >
      {/* Enter presses the first button of a form. That must not be the one that only previews. */}
      {live ? <button class="unseen" tabindex={-1} aria-hidden="true"></button> : null}
      <FormFields visit={visit} />
      {entry && changes ? <Version entry={entry} changes={changes} /> : null}
      {entry && changes && isOvertaken(entry) ? (
        <Overtaken changes={changes} fields={fields} />
      ) : (
        <Refusal problem={entry?.problem ?? null} fields={fields} />
      )}
      {made}
    </form>
  );
};

/** The expected refusal, below the fields that it names. */
export const NotYet: FC<{ entry: Entry; problem: Problem }> = ({ entry, problem }) => (
  <div class="empty">
    <Faults problem={problem} fields={entry.fields} />
  </div>
);

interface FieldProps {
  entry: Entry;
  name: string;
  label: Child;
  hint?: Child;
  /** The members of the verb's input that it stands for, if their names differ. */
  standsFor?: string[] | undefined;
}

/** What is wrong with a field. A refusal above calls it `label`, and links to it. */
export function faultOf({ entry, name, label, standsFor = [] }: Omit<FieldProps, "hint">) {
  const members = [name, ...standsFor];
  for (const member of members) entry.fields.set(member, { id: name, label });
  return members.map((member) => entry.fault(member)).find((fault) => fault !== undefined);
}

const idsOf = ({ hint, ...field }: FieldProps) => {
  const { name } = field;
  const fault = faultOf(field);
  const described = [hint ? `${name}-hint` : null, fault ? `${name}-fault` : null].filter(
    (id) => id !== null,
  );
  return {
    fault,
    attributes: {
      id: name,
      name,
      "aria-describedby": described.length > 0 ? described.join(" ") : undefined,
      "aria-invalid": fault ? "true" : undefined,
    },
  };
};

const Frame: FC<{
  name: string;
  label: Child;
  hint: Child;
  fault: string | undefined;
  kind?: string;
  children?: Child;
}> = ({ name, label, hint, fault, kind = "", children }) => (
  <div class={`field ${kind}`}>
    <label for={name}>{label}</label>
    {children}
    {hint ? (
      <p class="hint" id={`${name}-hint`}>
        {hint}
      </p>
    ) : null}
    {fault ? (
      <p class="fault" id={`${name}-fault`}>
        {fault}
      </p>
    ) : null}
  </div>
);

/** The dates that name an instant. A year is typed digit by digit, and is 0002 at first. */
const DATES = { min: "1970-01-01", max: "9999-12-31" };

export const Field: FC<
  FieldProps & {
    type?: "text" | "email" | "number" | "date" | "password" | "search" | "file";
    /** Its value if nothing was entered. */
    value?: string | number | null | undefined;
    required?: boolean;
    min?: number;
    max?: number;
    maxlength?: number;
    placeholder?: string;
    autocomplete?: string;
    accept?: string;
    /** The id of a list to pick from. */
    list?: string;
    autofocus?: boolean;
  }
> = ({ entry, name, label, hint, standsFor, type = "text", value, ...rest }) => {
  const { fault, attributes } = idsOf({ entry, name, label, hint, standsFor });
  const shown = entry.has(name) ? (entry.text(name) ?? "") : (value ?? "");
  const secret = type === "password" || type === "file";
  const range = type === "date" ? DATES : {};
  return (
    <Frame name={name} label={label} hint={hint} fault={fault} kind={type}>
      <input {...attributes} type={type} value={secret ? undefined : String(shown)} {...range} {...rest} />
    </Frame>
  );
};

export const TextArea: FC<
  FieldProps & {
    value?: string | null;
    rows?: number;
    /** Text for machines: each character counts. */
    code?: boolean;
    required?: boolean;
    maxlength?: number;
    placeholder?: string;
    autofocus?: boolean;
  }
> = ({ entry, name, label, hint, standsFor, value, rows = 3, code, ...rest }) => {
  const { fault, attributes } = idsOf({ entry, name, label, hint, standsFor });
  return (
    <Frame name={name} label={label} hint={hint} fault={fault}>
      <textarea {...attributes} class={code ? "code" : undefined} rows={rows} {...rest}>
        {entry.has(name) ? (entry.text(name) ?? "") : (value ?? "")}
      </textarea>
    </Frame>
  );
};

export type Option = [value: string, label: string];

export const Select: FC<
  FieldProps & { options: readonly Option[]; value?: string | undefined; required?: boolean }
> = ({ entry, name, label, hint, standsFor, options, value, required }) => {
  const { fault, attributes } = idsOf({ entry, name, label, hint, standsFor });
  const chosen = entry.has(name) ? entry.text(name) : value;
  return (
    <Frame name={name} label={label} hint={hint} fault={fault}>
      <select {...attributes} required={required}>
        {options.map(([option, text]) => (
          <option value={option} selected={option === (chosen ?? "")}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  );
};

export const Checkbox: FC<{
  name: string;
  value?: string;
  checked: boolean;
  children?: Child;
  disabled?: boolean;
}> = ({ name, value = "yes", checked, children, disabled }) => (
  <label class="check">
    <input type="checkbox" name={name} value={value} checked={checked} disabled={disabled} />
    <span>{children}</span>
  </label>
);

/** A choice of a few, all visible. */
export const Choices: FC<
  Omit<FieldProps, "label"> & { legend: string; options: readonly Option[]; value?: string | undefined }
> = ({ entry, name, legend, options, value, hint, standsFor }) => {
  const chosen = entry.text(name) ?? value;
  const fault = faultOf({ entry, name, label: legend, standsFor });
  return (
    <fieldset class="choices" aria-describedby={fault ? `${name}-fault` : undefined}>
      <legend>{legend}</legend>
      <div class="options">
        {options.map(([option, label], index) => (
          <label class="choice">
            <input
              id={index === 0 ? name : undefined}
              type="radio"
              name={name}
              value={option}
              checked={option === chosen}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      {hint ? <p class="hint">{hint}</p> : null}
      {fault ? (
        <p class="fault" id={`${name}-fault`}>
          {fault}
        </p>
      ) : null}
    </fieldset>
  );
};

/** The last row of a form. */
export const Submit: FC<{
  children?: Child;
  tone?: "primary" | "danger";
  back: string;
  /** The word for going back, where "Cancel" could mean the deed. */
  leave?: string;
}> = ({ children, tone = "primary", back, leave = "Cancel" }) => (
  <div class="submit">
    <button class={tone}>{children}</button>
    <a class="button quiet" href={back} data-close>
      {leave}
    </a>
  </div>
);

/** A form that only filters the page; a script sends it on each change. */
export const Filters: FC<{ children?: Child; label: string; reset: string; isFiltered: boolean }> = ({
  children,
  label,
  reset,
  isFiltered,
}) => (
  <form class="filters" method="get" role="search" aria-label={label} data-live>
    {children}
    <button class="no-script">Apply</button>
    <span id="clear" data-results>
      {isFiltered ? (
        <a class="button quiet" href={reset}>
          Clear
        </a>
      ) : null}
    </span>
  </form>
);
