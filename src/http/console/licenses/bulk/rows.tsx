// The licenses of a bulk action, each with what is said of it.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../../licensing/customers/display-name.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { etagOf } from "../../../../kernel/resources.ts";
import { Problem } from "../../../../problems.ts";
import type { License } from "../../../../storage/schema.ts";
import type { Context } from "../../../../context.ts";
import type { Entry } from "../../../ui/entry.ts";
import { Badge, Table } from "../../../ui/show.tsx";
import { SEEN } from "./chosen.ts";

export interface Row {
  id: string;
  customer: string;
  /** What it would do, or did. */
  says: string;
  ok: boolean;
  /** As which it was read; undefined if there is no such license. */
  version?: string | undefined;
  /** Whether somebody changed it after it was shown. */
  isOvertaken?: boolean;
}

const OVERTAKEN = "Somebody changed it after you looked: nothing was done. Go on to see it anew.";

/** What is said of one license; a refusal is said, too. A fault of ours is no Problem, and is thrown. */
export async function rowOf(
  context: Context,
  id: string,
  tell: (license: License) => Promise<string>,
): Promise<Row> {
  let customer = "";
  let version: string | undefined;
  try {
    const held = await getLicenseAndCustomer(context, id);
    customer = displayNameOf(held.customer);
    version = etagOf(held.license);
    return { id, customer, version, says: await tell(held.license), ok: true };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === "PRECONDITION_FAILED")
      return { id, customer, version, says: OVERTAKEN, ok: false, isOvertaken: true };
    // Without the member's name: nobody entered it.
    const says = error.extras.errors?.map(({ message }) => message).join("; ") ?? error.message;
    return { id, customer, version, says, ok: false };
  }
}

/** The versions that were shown, so that nothing else is changed. */
export const Seen: FC<{ rows: Row[] }> = ({ rows }) => (
  <div id="seen" data-results>
    {rows.map(({ id, version }) =>
      version === undefined ? null : <input type="hidden" name={SEEN} value={`${id} ${version}`} />,
    )}
  </div>
);

/**
 * A form that names no versions is of a page that a former release made.
 * @throws Problem PRECONDITION_FAILED for a license that is not as the form showed it
 */
export function assertSeen(entry: Entry, license: License): void {
  if (entry.has(SEEN) && !entry.all(SEEN).includes(`${license.id} ${etagOf(license)}`))
    throw new Problem("PRECONDITION_FAILED");
}

export const Rows: FC<{ rows: Row[]; done: boolean }> = ({ rows, done }) => (
  <Table
    caption="Licenses"
    piled
    rows={rows}
    empty="No license is selected. Go back and select some."
    columns={[
      {
        label: "License",
        main: true,
        cell: ({ id, customer }) => (
          <>
            <a href={`/admin/licenses/${encodeURIComponent(id)}`}>{customer || "unknown"}</a>
            <code class="second">{id}</code>
          </>
        ),
      },
      {
        label: done ? "Outcome" : "What it would do",
        long: true,
        cell: ({ says, ok }) => (
          <>
            <Badge tone={ok ? "good" : "stop"}>{ok ? (done ? "done" : "possible") : "refused"}</Badge>
            <span class="second">{says}</span>
          </>
        ),
      },
    ]}
  />
);
