// /admin/activity/seals: the seals over the record, and whether the next night can go on from the last one.
import { listSeals, sealStatus } from "../../../audit/seal-list.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { Entry, parsed } from "../../ui/entry.ts";
import { Badge, Card, Facts, formatCount, Pager, plural, Table, When } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";

/** The page of the seals, and what is above it. */
export const SEALS: [href: string, label: string] = ["/admin/activity/seals", "Seals"];

export const ACTIVITY: [href: string, label: string] = ["/admin/activity", "Activity"];

const DONE: Record<string, string> = {
  restarted: "The seals begin anew. Each check names the break from now on.",
};

export const sealList: Page = {
  path: SEALS[0],
  access: "read",
  async show({ context, now, can, query }) {
    const entry = new Entry(Object.entries(query));
    const request = parsed(PageQuery, { limit: entry.text("limit"), cursor: entry.text("cursor") });
    const [page, status] = await Promise.all([listSeals(context, request), sealStatus(context)]);
    const [last] = query["cursor"] === undefined ? page.data : [];
    return {
      title: "Seals",
      section: "activity",
      body: (
        <>
          <Heading
            trail={[ACTIVITY]}
            title="Seals"
            lead="Every night the new events are chained by hash and the chain is signed. An event that somebody changes or removes later no longer fits its seal."
            done={DONE[query["done"] ?? ""]}
            actions={
              can("seals") && status.fault !== null ? (
                <a class="button danger" href={`${SEALS[0]}/restart`} data-dialog>
                  Begin anew
                </a>
              ) : null
            }
          />
          {status.fault === null ? null : (
            <p class="note stop">{status.fault} Until this is settled, no night seals anything.</p>
          )}
          <Card>
            <Facts
              rows={[
                [
                  "Sealing",
                  status.fault === null ? (
                    <Badge tone="good">goes on each night</Badge>
                  ) : (
                    <Badge tone="stop">stopped</Badge>
                  ),
                ],
                ["Not sealed yet", last ? plural(status.last_event - last.up_to, "event") : null],
                ["Copies outside the database", status.heads_kept ? "in the bucket BACKUPS" : "none"],
              ]}
            />
          </Card>
          <Card>
            <Table
              caption="Seals"
              rows={page.data}
              empty="The first night makes the first seal."
              columns={[
                {
                  label: "Seal",
                  main: true,
                  cell: ({ id }) => <a href={`${SEALS[0]}/${id}`}>Check seal {id}</a>,
                },
                {
                  label: "Events",
                  cell: ({ from_id, up_to }) => `${formatCount(from_id)} to ${formatCount(up_to)}`,
                },
                { label: "Sealed", cell: ({ sealed_at }) => <When at={sealed_at} now={now} time /> },
              ]}
            />
            <Pager path={SEALS[0]} query={query} next={page.next_cursor} count={page.data.length} />
            <p class="hint">
              <code>caio-license audit verify</code> checks all seals at once, and against heads that you keep
              elsewhere: only those show that nobody replaced the whole record.
            </p>
          </Card>
        </>
      ),
    };
  },
};
