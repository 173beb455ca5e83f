// Forms for things that somebody else may change at the same time.
import type { Child, FC } from "hono/jsx";
import { changesBetween, etagOf, given, type Versioned } from "../../kernel/resources.ts";
import type { Entry } from "./entry.ts";
import { type Fields, Member } from "./refusal.tsx";
import { Table } from "./show.tsx";
import { formatTerm } from "./terms.ts";

/**
 * What a form changes, with the entered values as the verb takes them; or, for what is done by amounts, with what others
 * did meanwhile, and the last order that waits.
 */
export type Change = { present: Versioned } & (
  | { entered: () => object }
  | { meanwhile: Child; lastOrder: string }
);

/** The version that the form showed. A form without one is not ours, and no version matches it. */
export const versionOf = (entry: Entry): string => entry.text("version") ?? '""';

export const isOvertaken = (entry: Entry): boolean => entry.problem?.code === "PRECONDITION_FAILED";

/** What the form showed. A person who was shown somebody else's change has seen the present state. */
export const Version: FC<{ entry: Entry; changes: Change }> = ({ entry, changes }) => {
  const shown = (name: string, present: string) => (
    <input type="hidden" name={name} value={(isOvertaken(entry) ? undefined : entry.text(name)) ?? present} />
  );
  return (
    <>
      {shown("version", etagOf(changes.present))}
      {"lastOrder" in changes ? shown("last_order", changes.lastOrder) : null}
    </>
  );
};

/** After somebody else was first: the current values beside the entered ones, or what was done. */
export const Overtaken: FC<{ changes: Change; fields: Fields }> = ({ changes, fields }) => (
  <div class="note warn" role="alert">
    {"meanwhile" in changes ? (
      changes.meanwhile
    ) : (
      <>
        <p>
          Somebody else changed this after you opened it. What you entered is below and not saved: save again
          to replace the current values.
        </p>
        <Table
          caption="What differs"
          rows={Object.entries(changesBetween(changes.present, given(changes.entered())))}
          empty="What you entered equals the current values."
          columns={[
            { label: "Field", cell: ([name]) => <Member path={name} fields={fields} /> },
            { label: "Now", cell: ([name, { from }]) => formatTerm(name, from), long: true },
            { label: "Yours", cell: ([name, { to }]) => formatTerm(name, to), long: true },
          ]}
        />
      </>
    )}
  </div>
);
