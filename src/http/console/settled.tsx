// /admin/attention/settled: what staff need not look at again, and why.
import { listSettled } from "../../licensing/figures/attention/settled-list.ts";
import { Heading } from "../ui/heading.tsx";
import { emptyList, listQuery, pageOf } from "../ui/list.tsx";
import { Badge, Card, Pager, Table, When } from "../ui/show.tsx";
import type { Page } from "./mount.tsx";
import { KINDS } from "./parts/attention.tsx";
import { TakeBack, Until } from "./parts/settled.tsx";

const PATH = "/admin/attention/settled";

export const settledList: Page = {
  path: PATH,
  access: "read",
  async show(visit) {
    const { context, now, can, query: asked } = visit;
    const list = listQuery(visit, {});
    const page = await pageOf(list, (request) => listSettled(context, request));
    return {
      title: "Settled",
      section: "overview",
      problem: list.entry.problem,
      body: (
        <>
          <Heading
            trail={[["/admin", "Overview"]]}
            title="Settled"
            lead="What is left out of what needs attention, the latest first."
            done={
              asked["done"] === "unsettled"
                ? "Taken back. It needs attention again if it is still there."
                : undefined
            }
          />
          <Card>
            <Table
              caption="Settled"
              rows={page.data}
              empty={emptyList(list, page.next_cursor, "Nothing is settled.")}
              columns={[
                {
                  label: "License",
                  main: true,
                  cell: ({ license_id, license_type, customer_name, reason }) => (
                    <>
                      <a href={`/admin/licenses/${license_id}`}>
                        {customer_name}, {license_type}
                      </a>
                      <span class="second">“{reason}”</span>
                    </>
                  ),
                },
                {
                  label: "What",
                  cell: ({ kind }) => <Badge tone={KINDS[kind].tone}>{KINDS[kind].word}</Badge>,
                },
                {
                  label: "Settled",
                  cell: ({ settled_at, actor_id, actor_name }) => (
                    <>
                      <When at={settled_at} now={now} />
                      <span class="second">
                        by{" "}
                        <a href={`/admin/activity?actor=${encodeURIComponent(actor_id)}`}>
                          {actor_name ?? actor_id}
                        </a>
                      </span>
                    </>
                  ),
                  minor: true,
                },
                { label: "Until", cell: (settled) => <Until settled={settled} now={now} /> },
                ...(can("licenses")
                  ? [
                      {
                        label: "Take back",
                        head: <></>,
                        cell: (settled: (typeof page.data)[number]) => <TakeBack settled={settled} />,
                      },
                    ]
                  : []),
              ]}
            />
            <Pager path={PATH} query={list.query} next={page.next_cursor} count={page.data.length} />
          </Card>
        </>
      ),
    };
  },
};
