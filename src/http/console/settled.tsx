// /admin/attention/settled: what staff need not look at again, and why.
import type { FC } from "hono/jsx";
import { type Listed, listSettled } from "../../licensing/figures/attention/settled-list.ts";
import { Heading } from "../ui/heading.tsx";
import { emptyList, listQuery, pageOf } from "../ui/list.tsx";
import { Badge, Card, Pager, When } from "../ui/show.tsx";
import type { Page } from "./mount.tsx";
import { KINDS } from "./parts/attention.tsx";
import { TakeBack, Until } from "./parts/settled.tsx";

const PATH = "/admin/attention/settled";

const Row: FC<{ settled: Listed; now: number; mayTakeBack: boolean }> = ({ settled, now, mayTakeBack }) => {
  const { license_id, license_type, customer_name, kind, settled_at, reason, actor_id, actor_name } = settled;
  return (
    <li>
      <span>
        <Badge tone={KINDS[kind].tone}>{KINDS[kind].word}</Badge>
      </span>
      <span class="what">
        <a href={`/admin/licenses/${license_id}`}>
          {customer_name}, {license_type}
        </a>
        <span class="hint">“{reason}”</span>
        <span class="hint">
          <Until settled={settled} now={now} />
        </span>
        <span class="hint">
          <a href={`/admin/activity?actor=${encodeURIComponent(actor_id)}`}>
            by {actor_name ?? actor_id}, <When at={settled_at} now={now} />
          </a>
        </span>
      </span>
      <span class="aside">{mayTakeBack ? <TakeBack settled={settled} /> : null}</span>
    </li>
  );
};

const NothingSettled: FC = () => (
  <>
    Nothing is settled. <i>Settle</i> takes a row off what needs attention.{" "}
    <a href="/admin">See what needs attention</a>
  </>
);

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
            {page.data.length === 0 ? (
              <div class="empty">{emptyList(list, page.next_cursor, <NothingSettled />)}</div>
            ) : (
              <ul class="list kinds">
                {page.data.map((settled) => (
                  <Row settled={settled} now={now} mayTakeBack={can("licenses")} />
                ))}
              </ul>
            )}
            <Pager path={PATH} query={list.query} next={page.next_cursor} count={page.data.length} />
          </Card>
        </>
      ),
    };
  },
};
