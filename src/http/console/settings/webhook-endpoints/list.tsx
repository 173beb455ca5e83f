// /admin/settings/webhook-endpoints: other systems that are told of events, and one of them with its last deliveries.
import type { FC } from "hono/jsx";
import { getEndpoint, listEndpoints, stateOf } from "../../../../webhook-endpoints/endpoints.ts";
import { listDeliveries } from "../../../../webhook-endpoints/deliveries.ts";
import { Badge, Card, Facts, Pager, Table, When } from "../../../ui/show.tsx";
import { Heading } from "../../../ui/heading.tsx";
import type { Page } from "../../mount.tsx";
import { SETTINGS } from "../settings.tsx";

export const ENDPOINTS: [href: string, label: string] = [
  "/admin/settings/webhook-endpoints",
  "Webhook endpoints",
];

export type Endpoint = Awaited<ReturnType<typeof getEndpoint>>;

type Delivery = Awaited<ReturnType<typeof listDeliveries>>[number];

export const nameOf = ({ description, url }: Endpoint): string => description ?? new URL(url).hostname;

export const pathOf = (id: string): string => `${ENDPOINTS[0]}/${encodeURIComponent(id)}`;

const TONES = { active: "good", failing: "warn", paused: "plain", switched_off: "stop" } as const;

const State: FC<{ endpoint: Endpoint }> = ({ endpoint }) => {
  const state = stateOf(endpoint);
  return <Badge tone={TONES[state]}>{state.replace("_", " ")}</Badge>;
};

const list: Page = {
  path: ENDPOINTS[0],
  access: "webhook-endpoints",
  async show({ context, query, now }) {
    const { data, next_cursor: next } = await listEndpoints(context, { limit: 50, cursor: query["cursor"] });
    return {
      title: "Webhook endpoints",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="Webhook endpoints"
            lead="Other systems that are told of events: each one in order, at least once."
            done={
              query["done"] === "deleted" ? "The endpoint is deleted and gets nothing any more." : undefined
            }
            actions={
              <a class="button primary" href={`${ENDPOINTS[0]}/new`}>
                New endpoint
              </a>
            }
          />
          <Card>
            <Table
              caption="Webhook endpoints"
              rows={data}
              empty={
                <>
                  No endpoint yet. <a href={`${ENDPOINTS[0]}/new`}>Add the first one</a>, such as that of your
                  ERP or CRM.
                </>
              }
              columns={[
                {
                  label: "Endpoint",
                  main: true,
                  cell: (endpoint) => (
                    <>
                      <a href={pathOf(endpoint.id)}>{nameOf(endpoint)}</a>
                      <span class="second">{endpoint.url}</span>
                    </>
                  ),
                },
                { label: "State", cell: (endpoint) => <State endpoint={endpoint} /> },
                { label: "Events", minor: true, cell: ({ events }) => events.join(", ") },
                {
                  label: "Last success",
                  minor: true,
                  cell: (row) => <When at={row.last_success_at} now={now} time />,
                },
              ]}
            />
            <Pager path={ENDPOINTS[0]} query={query} next={next} count={data.length} />
          </Card>
        </>
      ),
    };
  },
};

const DONE: Record<string, string> = {
  changed: "The endpoint is changed.",
  replayed: "The events are sent, in their order.",
  tested: "The test was delivered.",
};

/** What somebody has to know who opens the page because something is wrong. */
const Trouble: FC<{ endpoint: Endpoint; last: Delivery | undefined; now: number }> = ({
  endpoint,
  last,
  now,
}) => {
  if (endpoint.switched_off_at !== null && endpoint.active === 0)
    return (
      <p class="note warn">
        Switched off <When at={endpoint.switched_off_at} now={now} time />: nothing succeeded for five days.
        Once it is mended, make it active: it gets everything that it missed.
      </p>
    );
  if (endpoint.failures === 0 || endpoint.active === 0) return null;
  return (
    <p class="note warn">
      It has failed since <When at={endpoint.failing_since} now={now} time />
      {endpoint.failures === 1 ? "" : `, ${endpoint.failures} times in a row`}
      {last?.error ? `: ${last.error} ` : ". "}
      {endpoint.next_try_at > now ? (
        <>
          It is tried again by the first run of the ten-minute trigger after{" "}
          <When at={endpoint.next_try_at} now={now} time />, or at once if a test succeeds.
        </>
      ) : (
        "It is tried again by the next run of the ten-minute trigger."
      )}
    </p>
  );
};

const page: Page = {
  path: `${ENDPOINTS[0]}/{id}`,
  access: "webhook-endpoints",
  async show({ context, params, query, now }) {
    const id = params["id"] ?? "";
    const [endpoint, deliveries] = await Promise.all([getEndpoint(context, id), listDeliveries(context, id)]);
    const path = pathOf(id);
    const [last] = deliveries;
    const hasFailed = query["done"] === "test-failed";
    return {
      title: nameOf(endpoint),
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS, ENDPOINTS]}
            title={
              <>
                {nameOf(endpoint)} <State endpoint={endpoint} />
              </>
            }
            lead={<code>{id}</code>}
            done={DONE[query["done"] ?? ""]}
          />
          <div class="actions page">
            {(
              [
                ["edit", "Edit"],
                ["test", "Test"],
                ["replay", "Replay"],
                ["rotate-secret", "New secret"],
                ["delete", "Delete"],
              ] as const
            ).map(([action, label]) => (
              <a
                class={action === "delete" ? "button danger" : "button"}
                href={`${path}/${action}`}
                data-dialog
              >
                {label}
              </a>
            ))}
          </div>
          {hasFailed && <p class="note warn">The test failed. {last?.error}</p>}
          <Trouble endpoint={endpoint} last={hasFailed ? undefined : last} now={now} />
          <Card title="Settings">
            <Facts
              rows={[
                ["Address", <code>{endpoint.url}</code>],
                ["Events", endpoint.events.join(", ")],
                ["Personal members", endpoint.include_personal === 1 ? "sent" : "left out"],
                ["Last event", String(endpoint.cursor)],
                ["Last success", <When at={endpoint.last_success_at} now={now} time />],
              ]}
            />
          </Card>
          <Card title="Last deliveries">
            <div class="piled">
              <Table
                caption="Last deliveries"
                rows={deliveries}
                empty="Nothing was sent yet."
                columns={[
                  {
                    label: "Event",
                    main: true,
                    cell: ({ event_id, action }) => (
                      <>
                        {action} <span class="second">{event_id}</span>
                      </>
                    ),
                  },
                  {
                    label: "Result",
                    cell: ({ error, status }) =>
                      error === null ? (
                        <Badge tone="good">{status}</Badge>
                      ) : (
                        <Badge tone="stop">{status ?? "failed"}</Badge>
                      ),
                  },
                  { label: "When", cell: (row) => <When at={row.at} now={now} time /> },
                  { label: "ms", numeric: true, minor: true, cell: (row) => row.ms },
                  {
                    label: "Answer",
                    long: true,
                    cell: ({ error, answer }) => (
                      <>
                        {error}
                        {answer === "" ? null : <span class="second">{answer}</span>}
                      </>
                    ),
                  },
                ]}
              />
            </div>
          </Card>
        </>
      ),
    };
  },
};

export const webhookEndpointDoors = [list, page];
