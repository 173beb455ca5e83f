// GET /v1/admin/licenses/{id}/events.
import { listEvents, presentEvent } from "../../../audit/event-list.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import { endpoint } from "../../endpoint.ts";
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
