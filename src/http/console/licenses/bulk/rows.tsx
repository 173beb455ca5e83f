// The licenses of a bulk action, each with what is said of it.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../../licensing/customers/display-name.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { Problem } from "../../../../problems.ts";
import type { License } from "../../../../storage/schema.ts";
import type { Context } from "../../../../context.ts";
import { Badge, Table } from "../../../ui/show.tsx";

export interface Row {
  id: string;
  customer: string;
  /** What it would do, or did. */
  says: string;
  ok: boolean;
}

/** What is said of one license; a refusal is said, too. @throws Problem for a fault of ours */
export async function rowOf(
  context: Context,
  id: string,
  tell: (license: License) => Promise<string>,
): Promise<Row> {
  let customer = "";
  try {
    const held = await getLicenseAndCustomer(context, id);
    customer = displayNameOf(held.customer);
    return { id, customer, says: await tell(held.license), ok: true };
  } catch (error) {
    if (!(error instanceof Problem) || error.type.status >= 500) throw error;
    // Without the member's name: nobody entered it.
    const says = error.extras.errors?.map(({ message }) => message).join("; ") ?? error.message;
    return { id, customer, says, ok: false };
  }
}

export const Rows: FC<{ rows: Row[]; done: boolean }> = ({ rows, done }) => (
  <Table
    caption="Licenses"
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
