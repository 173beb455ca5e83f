// GET /v1/admin/licenses/{id}/events and …/refusals: what happened to a license.
import * as z from "zod/mini";
import { listEvents, presentEvent } from "../../../audit/event-list.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import { listRefusals, presentRefusal } from "../../../licensing/seats/kept-refusals.ts";
import { endpoint } from "../../endpoint.ts";
import { INSTANCE } from "../../examples.ts";
import { Instant, Text } from "../../schemas.ts";
import { event } from "../examples.ts";
import { EventDocument } from "../record-schemas.ts";
import { Id, pageOf } from "../schemas.ts";

export const licenseEventsEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/events",
    tag: "Admin",
    summary: "List what happened to a license",
    access: "read",
    params: Id,
    query: PageQuery,
    answer: {
      status: 200,
      description: "A page of events, the latest first.",
      schema: pageOf(EventDocument),
      example: { data: [event], next_cursor: null },
    },
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params, query }) => {
    await getLicense(context, params.id);
    const page = await listEvents(context, query, { entity: params.id });
    return http.json({ ...page, data: page.data.map(presentEvent) });
  },
);

export const Refusal = z.object({
  at: Instant,
  code: z.string(),
  instance_id: z.string(),
  hostname: Text,
  ip: Text,
});

export const licenseRefusalsEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/refusals",
    tag: "Admin",
    summary: "List the last refusals of a license",
    description: "Why installations do not start. Of several in a minute, one is kept.",
    access: "read",
    params: Id,
    answer: {
      status: 200,
      description: "At most 20, the latest first.",
      schema: z.object({ data: z.array(Refusal), next_cursor: z.null() }),
      example: {
        data: [
          {
            at: "2026-11-24T09:00:00.000Z",
            code: "ACTIVATION_LIMIT_REACHED",
            instance_id: INSTANCE,
            hostname: "caio-7c9f",
            ip: "203.0.113.7",
          },
        ],
        next_cursor: null,
      },
    },
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params }) =>
    http.json({ data: (await listRefusals(context, params.id)).map(presentRefusal), next_cursor: null }),
);
