// /v1/admin/audit-seals: the seals over the record, for anyone who checks it.
import * as z from "zod/mini";
import { restartSeals } from "../../audit/restart.ts";
import { getSeal, listSeals, presentSeal, sealStatus } from "../../audit/seal-list.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { Reason, written } from "../../kernel/inputs.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { AuditSeal, EventDocument, HiddenEvent, SealStatus } from "./record-schemas.ts";
import { pageOf } from "./schemas.ts";

export const auditEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/audit-seals",
      tag: "Admin",
      summary: "List the seals over the record",
      description:
        "The latest first. Every night the events since the last seal are chained by hash and the head is signed: token is a JWS of typ audit-seal+jwt. The list does not contain the events; read a seal to get them.",
      access: "read",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of seals.",
        schema: pageOf(AuditSeal),
        example: { data: [examples.auditSeal], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listSeals(context, query);
      return http.json({ ...page, data: page.data.map(presentSeal) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/audit-seals/status",
      tag: "Admin",
      summary: "Read what a check of the seals needs",
      description:
        "The last event of all, the keys that verify seals, and whether the next night can go on from the last seal. A retired key verifies seals up to its last_seal.",
      access: "read",
      answer: {
        status: 200,
        description: "The state of the seals.",
        schema: SealStatus,
        example: examples.sealStatus,
      },
    },
    async ({ http, context }) => http.json(await sealStatus(context)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/audit-seals/restart",
      tag: "Admin",
      summary: "Begin the seals anew where the chain is broken",
      description:
        "Makes a seal at once that begins a new segment, with a number that was never used. Every check names the break from then on, and passes only if it is told to accept it.",
      access: "seals",
      body: {
        schema: z.strictObject({ reason: Reason }),
        example: { reason: "Restored the database of 23 November" },
      },
      answer: {
        status: 201,
        description: "The first seal of the new segment.",
        schema: AuditSeal,
        example: examples.auditSeal,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => http.json(presentSeal(await restartSeals(context, body.reason)), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/audit-seals/{id}",
      tag: "Admin",
      summary: "Read a seal with the events that it covers",
      description:
        "The events as they are now. The hash of each is SHA-256 over the hash before it, a line feed, and the event as canonical JSON (RFC 8785); marks contains the hash that each had when it was sealed, to show which one was changed. Events of people, tokens, and sign-ins are shown to owners only: others get the id and the hash of each.",
      access: "read",
      params: z.object({ id: written(z.int().check(z.minimum(1))) }),
      answer: {
        status: 200,
        description: "The seal and its events.",
        schema: z.object({
          seal: AuditSeal,
          marks: z.string(),
          events: z.array(z.union([EventDocument, HiddenEvent])),
        }),
        example: { seal: examples.auditSeal, marks: examples.auditSeal.head, events: [examples.event] },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      const { seal, marks, rows } = await getSeal(context, params.id);
      return http.json({ seal: presentSeal(seal), marks, events: rows });
    },
  ),
];
