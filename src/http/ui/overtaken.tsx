// Forms for things that somebody else may change at the same time.
import type { FC } from "hono/jsx";
import { changesBetween, etagOf, given, type Versioned } from "../../kernel/resources.ts";
import type { Entry } from "./entry.ts";
import { type Fields, Member } from "./refusal.tsx";
import { Table } from "./show.tsx";
import { formatTerm } from "./terms.ts";

/** What a form changes, and the entered values as the verb takes them. */
export interface Change {
  present: Versioned;
  entered: () => object;
}

/** The version that the form showed. A form without one is not ours, and no version matches it. */
export const versionOf = (entry: Entry): string => entry.text("version") ?? '""';

export const isOvertaken = (entry: Entry): boolean => entry.problem?.code === "PRECONDITION_FAILED";

/** The version that the form changes. A person who was shown somebody else's change has seen the new version. */
export const Version: FC<{ entry: Entry; present: Versioned }> = ({ entry, present }) => (
  <input
    type="hidden"
    name="version"
    value={(isOvertaken(entry) ? undefined : entry.text("version")) ?? etagOf(present)}
  />
);

/** The current values beside the entered ones, after somebody else saved first. */
export const Overtaken: FC<{ changes: Change; fields: Fields }> = ({
  changes: { present, entered },
  fields,
}) => (
  <div class="note warn" role="alert">
    <p>
      Somebody else changed this after you opened it. What you entered is below and not saved: save again to
      replace the current values.
    </p>
    <Table
      caption="What differs"
      rows={Object.entries(changesBetween(present, given(entered())))}
      empty="What you entered equals the current values."
      columns={[
        { label: "Field", cell: ([name]) => <Member path={name} fields={fields} /> },
        { label: "Now", cell: ([name, { from }]) => formatTerm(name, from), long: true },
        { label: "Yours", cell: ([name, { to }]) => formatTerm(name, to), long: true },
      ]}
    />
  </div>
);
