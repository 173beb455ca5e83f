// /v1/admin/audit-seals: the seals over the record, for anyone who checks it.
import * as z from "zod/mini";
import { getSeal, listSeals, presentSeal } from "../../audit/seals.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { written } from "../../kernel/inputs.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { AuditSeal, EventDocument, pageOf } from "./schemas.ts";

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
      path: "/v1/admin/audit-seals/{id}",
      tag: "Admin",
      summary: "Read a seal with the events that it covers",
      description:
        "The events as they are now. The hash of each is SHA-256 over the hash before it, a line feed, and the event as canonical JSON (RFC 8785); marks contains the hash that each had when it was sealed, to show which one was changed.",
      access: "read",
      params: z.object({ id: written(z.int().check(z.minimum(1))) }),
      answer: {
        status: 200,
        description: "The seal and its events.",
        schema: z.object({ seal: AuditSeal, marks: z.string(), events: z.array(EventDocument) }),
        example: { seal: examples.auditSeal, marks: examples.auditSeal.head, events: [examples.event] },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      const { seal, rows } = await getSeal(context, params.id);
      return http.json({ seal: presentSeal(seal), marks: seal.marks, events: rows });
    },
  ),
];
