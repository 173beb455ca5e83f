// /v1/admin/licenses/{id}/pending-changes
import * as z from "zod/mini";
import { PageQuery } from "../../../kernel/pages.ts";
import {
  cancelChange,
  listPendingChanges,
  releaseChange,
} from "../../../licensing/licenses/pending-changes.ts";
import { presentPendingChange } from "../../../licensing/licenses/pending-rows.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { OrderedChange, PendingChange } from "../change-schemas.ts";
import { Id, pageOf } from "../schemas.ts";

const ChangeId = z.extend(Id, { change_id: Id.shape.id });

export const pendingChangeEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses/{id}/pending-changes",
      tag: "Admin",
      summary: "List the changes that were ordered for a license",
      description:
        "The last ordered first, also those that were carried out, failed or were cancelled. One that stops the license or gives its customer less is held if the license was renewed, reinstated, transferred or edited after it was ordered, by anything but a change ordered before it; so is a transfer from another customer than the one that it was ordered for, and a change whose orderer may not make it any more.",
      access: "read",
      params: Id,
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of changes.",
        schema: pageOf(PendingChange),
        example: { data: [examples.pendingChange], next_cursor: null },
      },
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params, query }) => {
      const page = await listPendingChanges(context, params.id, query);
      return http.json({ ...page, data: page.data.map(presentPendingChange) });
    },
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/licenses/{id}/pending-changes/{change_id}",
      tag: "Admin",
      summary: "Cancel a change that is pending or held",
      access: "licenses",
      params: ChangeId,
      answer: { status: 204, description: "Cancelled." },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => {
      await cancelChange(context, params.id, params.change_id);
      return http.body(null, 204);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/pending-changes/{change_id}/release",
      tag: "Admin",
      summary: "Let a change that is held go on",
      description:
        "It is pending again, and carried out within ten minutes, or at effective_at if that is later. From now on the permission of the caller counts, and the license as it is now.",
      access: "licenses",
      params: ChangeId,
      answer: {
        status: 200,
        description: "The change.",
        schema: OrderedChange,
        example: { pending_change: { ...examples.pendingChange, released_by: "ADMIN_TOKEN" } },
      },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => {
      const change = await releaseChange(context, params.id, params.change_id);
      return http.json({ pending_change: presentPendingChange(change) });
    },
  ),
];
