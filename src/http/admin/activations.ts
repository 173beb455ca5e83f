// /v1/admin/activations
import { ActivationFilter } from "../../licensing/instances/instance-filter.ts";
import * as z from "zod/mini";
import {
  endActivation,
  Freeing,
  getActivation,
  listActivations,
  presentActivation,
} from "../../licensing/instances/instances.ts";
import { clearClone, CloneClearance } from "../../licensing/seats/clones.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Flag, Id, Instance, pageOf } from "./schemas.ts";

export const activationEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/activations",
      tag: "Admin",
      summary: "List activations",
      description:
        "License by license; those that hold a seat come first. A page may have fewer rows than asked for, even if there is a next page.",
      access: "read",
      query: z.extend(PageQuery, ActivationFilter.shape),
      answer: {
        status: 200,
        description: "A page of activations.",
        schema: pageOf(Instance),
        example: { data: [examples.instance], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listActivations(context, { limit, cursor }, filter);
      const now = context.clock.now();
      return http.json({ ...page, data: page.data.map((row) => presentActivation(row, now)) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/activations/{id}",
      tag: "Admin",
      summary: "Read an activation",
      access: "read",
      params: Id,
      answer: { status: 200, description: "The activation.", schema: Instance, example: examples.instance },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json(presentActivation(await getActivation(context, params.id), context.clock.now())),
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/activations/{id}",
      tag: "Admin",
      summary: "Free a seat",
      description:
        "The seat is free at once. The instance learns this at its next check-in; until then its certificate stays valid. If the seat was given through a license file and no receipt shows that the instance stopped, the seat counts until the file ends, unless force is true. Send force in the body or, if your program sends no body with DELETE, as a parameter.",
      access: "activations",
      params: Id,
      query: z.strictObject({ force: z.optional(Flag) }),
      body: { schema: Freeing, example: { force: true } },
      answer: { status: 204, description: "The activation holds no seat now." },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params, query, body }) => {
      await endActivation(context, params.id, { force: query.force || body.force });
      return http.body(null, 204);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/activations/{id}/clear-clone",
      tag: "Admin",
      summary: "Clear the mark of a suspected clone",
      description:
        "For staff who know that it is not a clone. The mark disappears by itself after seven days without a new suspicion.",
      access: "activations",
      params: Id,
      body: { schema: CloneClearance, example: { reason: "The machine was replaced." } },
      answer: { status: 200, description: "The activation.", schema: Instance, example: examples.instance },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params, body }) => {
      await clearClone(context, params.id, body);
      return http.json(presentActivation(await getActivation(context, params.id), context.clock.now()));
    },
  ),
];
