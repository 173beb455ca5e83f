// /admin/activity: everything that happened, who did it and to what.
import { listPeople } from "../../access/people.ts";
import { listApiTokens } from "../../access/tokens.ts";
import { EventFilter, listEvents } from "../../audit/event-list.ts";
import { Heading } from "../ui/heading.tsx";
import { emptyList, listQuery, pageOf } from "../ui/list.tsx";
import type { Page } from "./mount.tsx";
import { actionsFor, namesIn, Timeline } from "./parts/events.tsx";
import { Field, Filters, type Option, Select } from "../ui/form.tsx";
import { Card, Pager } from "../ui/show.tsx";
import type { Visit } from "./visit.ts";

const KINDS: Option[] = [
  ["", "Anybody"],
  ["staff", "staff"],
  ["instance", "instances"],
  ["system", "the service itself"],
];

/** Whom an owner can pick: people and tokens, by their names. Nobody else sees these. */
async function actorsFor({ context, can }: Visit): Promise<[id: string, name: string][]> {
  if (!can("access")) return [];
  const [people, tokens] = await Promise.all([
    listPeople(context, { limit: 100 }),
    listApiTokens(context, { limit: 100 }),
  ]);
  return [
    ["ADMIN_TOKEN", "ADMIN_TOKEN"],
    ...people.data.map(({ email }): [string, string] => [email, email]),
    ...tokens.data.map(({ id, name, prefix }): [string, string] => [id, `${name} (${prefix}…)`]),
  ];
}

/** An event has its details with it. */
const ROWS = 25;

export const activity: Page = {
  path: "/admin/activity",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const list = listQuery(visit, EventFilter.shape, ROWS);
    const { entry, query } = list;
    const [page, actors] = await Promise.all([
      pageOf(list, (request, filter) => listEvents(context, request, filter, "with names")),
      actorsFor(visit),
    ]);
    const names = await namesIn(context, page.data);
    return {
      title: "Activity",
      section: "activity",
      problem: entry.problem,
      body: (
        <>
          <Heading
            title="Activity"
            lead="What was done, the latest first. None of it can be changed."
            actions={
              <a class="button" href="/admin/activity/seals">
                Check the seals
              </a>
            }
          />
          <Card>
            <Filters label="Activity" reset="/admin/activity" isFiltered={list.isFiltered}>
              <Select
                entry={entry}
                name="action"
                label="What"
                options={[["", "Anything"], ...actionsFor(visit)]}
              />
              <Field
                entry={entry}
                name="entity"
                label="About"
                type="search"
                placeholder="Id"
                maxlength={100}
              />
              <Field
                entry={entry}
                name="actor"
                label="By"
                type="search"
                placeholder="Name or id"
                maxlength={100}
                list="actors"
              />
              <datalist id="actors">
                {actors.map(([id, name]) => (
                  <option value={id}>{name}</option>
                ))}
              </datalist>
              <Select entry={entry} name="by" label="Who" options={KINDS} />
              <Field entry={entry} name="since" label="Since" type="date" />
              <Field entry={entry} name="until" label="Until" type="date" />
            </Filters>
            <div id="events" data-results>
              {page.data.length === 0 ? (
                <div class="empty">{emptyList(list, page.next_cursor, "Nothing has happened yet.")}</div>
              ) : (
                <Timeline events={page.data} now={now} about full names={names} />
              )}
              <Pager path="/admin/activity" query={query} next={page.next_cursor} count={page.data.length} />
            </div>
          </Card>
        </>
      ),
    };
  },
};
