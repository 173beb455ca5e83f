// /admin/activity: everything that happened, who did it and to what.
import { EventFilter, listEvents } from "../../audit/event-list.ts";
import { Heading } from "./layout.tsx";
import { emptyList, listQuery, pageOf } from "../ui/list.tsx";
import type { Page } from "./mount.tsx";
import { actionsFor, Timeline } from "./parts/events.tsx";
import { Field, Filters, Select } from "../ui/form.tsx";
import { Card, Pager } from "../ui/show.tsx";

export const activity: Page = {
  path: "/admin/activity",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const list = listQuery(visit, EventFilter.shape);
    const { entry, query } = list;
    const page = await pageOf(list, (request, filter) => listEvents(context, request, filter, "with names"));
    return {
      title: "Activity",
      section: "activity",
      problem: entry.problem,
      body: (
        <>
          <Heading title="Activity" lead="What was done, the latest first. None of it can be changed." />
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
                placeholder="Id of a license, customer, …"
                maxlength={100}
              />
              <Field
                entry={entry}
                name="actor"
                label="By"
                type="search"
                placeholder="E-mail, token or instance"
                maxlength={100}
              />
              <Field entry={entry} name="since" label="Since" type="date" />
              <Field entry={entry} name="until" label="Until" type="date" />
            </Filters>
            <div id="events" data-results>
              {page.data.length === 0 ? (
                <div class="empty">{emptyList(list, page.next_cursor, "Nothing has happened yet.")}</div>
              ) : (
                <Timeline events={page.data} now={now} about full />
              )}
              <Pager path="/admin/activity" query={query} next={page.next_cursor} count={page.data.length} />
            </div>
          </Card>
        </>
      ),
    };
  },
};
