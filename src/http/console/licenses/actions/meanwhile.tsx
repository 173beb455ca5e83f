// What others did with a license after a form showed it: the form is shown again, and does nothing until it is confirmed.
import type { FC } from "hono/jsx";
import { listEvents, type NamedEvent } from "../../../../audit/event-list.ts";
import type { Changes } from "../../../../kernel/resources.ts";
import { Problem } from "../../../../problems.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { lastOrderOf, listOpenChanges } from "../../../../licensing/licenses/pending-changes.ts";
import { presentPendingChange } from "../../../../licensing/licenses/pending-rows.ts";
import type { License, PendingChange } from "../../../../storage/schema.ts";
import type { Entry } from "../../../ui/entry.ts";
import { type Change, isOvertaken } from "../../../ui/overtaken.tsx";
import { Table } from "../../../ui/show.tsx";
import { formatTerm, wordsFor } from "../../../ui/terms.ts";
import { Timeline } from "../../parts/events.tsx";
import { Orders } from "../../parts/orders.tsx";
import { idOf, type Visit } from "../../visit.ts";

/** Among how many events of the license the changes are looked for. */
const LOOKED_AT = 50;

const changesOf = ({ detail }: NamedEvent): Changes | undefined => detail["changes"] as Changes | undefined;

/** The changes since the version that the form showed, the latest first: each made one version, and one event. */
async function changesSince(visit: Visit, entry: Entry, license: License): Promise<NamedEvent[]> {
  const shown = Number(/^"(\d+)-/.exec(entry.text("version") ?? "")?.[1] ?? license.version);
  const { data } = await listEvents(
    visit.context,
    { limit: LOOKED_AT },
    { entity: license.id },
    "with names",
  );
  return data.filter((event) => changesOf(event)).slice(0, Math.max(0, license.version - shown));
}

/** The terms that differ from what the form showed, without what is said of people: the record has no values of that. */
function differing(events: NamedEvent[], license: License): [name: string, was: unknown, is: unknown][] {
  const was = Object.assign({}, ...events.map(changesOf)) as Changes;
  return Object.entries(was).flatMap(([name, { from }]) => {
    const is = (license as unknown as Record<string, unknown>)[name];
    return from === undefined || JSON.stringify(from) === JSON.stringify(is) ? [] : [[name, from, is]];
  });
}

const Meanwhile: FC<{ events: NamedEvent[]; orders: PendingChange[]; license: License; now: number }> = ({
  events,
  orders,
  license,
  now,
}) => (
  <>
    <p>
      This license was changed after you opened the page. Nothing is done yet, and what you entered is below:
      send it again if it is still right.
    </p>
    {orders.length === 0 ? null : <Orders orders={orders.map(presentPendingChange)} now={now} />}
    {events.length === 0 ? null : (
      <>
        <Timeline events={events} now={now} />
        <Table
          caption="What is different"
          rows={differing(events, license)}
          empty="Its other terms are as before."
          columns={[
            { label: "Term", cell: ([name]) => wordsFor(name) },
            { label: "Before", cell: ([name, was]) => formatTerm(name, was), long: true },
            { label: "Now", cell: ([name, , is]) => formatTerm(name, is), long: true },
          ]}
        />
      </>
    )}
  </>
);

/** What a form does to a license: it names what it shows. If others were faster, it tells what they did since. */
export async function changing(
  visit: Visit,
  entry: Entry,
  id: string,
  holding: License | Promise<License>,
): Promise<Change> {
  const [present, open] = await Promise.all([holding, listOpenChanges(visit.context, id)]);
  const shown = { present, lastOrder: lastOrderOf(open) };
  if (!isOvertaken(entry)) return { ...shown, meanwhile: null };
  const events = await changesSince(visit, entry, present);
  const orders = open.filter((order) => order.id > (entry.text("last_order") ?? shown.lastOrder));
  const meanwhile = <Meanwhile events={events} orders={orders} license={present} now={visit.now} />;
  return { ...shown, meanwhile };
}

/** The license of the page, and what its form does to it. */
export async function openLicense(visit: Visit, entry: Entry) {
  const id = idOf(visit);
  const holding = getLicenseAndCustomer(visit.context, id);
  const licensed = holding.then(({ license }) => license);
  const [held, changes] = await Promise.all([holding, changing(visit, entry, id, licensed)]);
  return { held, changes };
}

/** The effect of an action; null where the form was refused and there is none: what was entered stays there. */
export async function effectOf<T>(entry: Entry, looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (entry.problem === null || !(error instanceof Problem)) throw error;
    return null;
  }
}
