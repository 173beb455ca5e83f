// GET /v1/admin/licenses/{id}/activations.
import { InstanceFilter } from "../../../licensing/instances/instance-filter.ts";
import * as z from "zod/mini";
import { PageQuery } from "../../../kernel/pages.ts";
import { listActivations, presentActivation } from "../../../licensing/instances/instances.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, Instance, pageOf } from "../schemas.ts";

export const licenseActivationsEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/activations",
    tag: "Admin",
    summary: "List the activations of a license",
    access: "read",
    params: Id,
    query: z.extend(PageQuery, InstanceFilter.shape),
    answer: {
      status: 200,
      description: "A page of activations, those that hold a seat first.",
      schema: pageOf(Instance),
      example: { data: [examples.instance], next_cursor: null },
    },
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params, query: { limit, cursor, ...filter } }) => {
    await getLicense(context, params.id);
    const page = await listActivations(context, { limit, cursor }, { ...filter, license_id: params.id });
    const now = context.clock.now();
    return http.json({ ...page, data: page.data.map((row) => presentActivation(row, now)) });
  },
);
