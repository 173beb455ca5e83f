// /v1/admin/search: one search over everything.
import * as z from "zod/mini";
import { presentEvent } from "../../audit/event-list.ts";
import { presentCustomer } from "../../licensing/customers/customers.ts";
import { presentActivation } from "../../licensing/instances/instances.ts";
import { presentLicense } from "../../licensing/licenses/licenses.ts";
import { SearchText } from "../../kernel/inputs.ts";
import { presentRefusal } from "../../licensing/seats/kept-refusals.ts";
import { presentMessage } from "../../notices/messages.ts";
import { endpoint } from "../endpoint.ts";
import { searchEverything } from "../search.ts";
import * as examples from "../examples.ts";
import { Message } from "./message-schemas.ts";
import { Refusal } from "./licenses/events.ts";
import { EventDocument } from "./record-schemas.ts";
import { Customer, Instance, License } from "./schemas.ts";

export const Found = z.object({
  customers: z.array(Customer),
  licenses: z.array(License),
  instances: z.array(Instance),
  refusals: z.array(z.extend(Refusal, { license_id: z.string() })),
  messages: z.array(Message),
  events: z.array(EventDocument),
});

export const searchEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/search",
      tag: "Admin",
      summary: "Search everything",
      description:
        "At most 6 of each kind: customers and licenses that q begins, as in their lists; instances whose id, host name or address it begins, among 5 000, and those that were refused lately, of 2 000 licenses; mail to this address or with this id; what the request with this id did, among the latest 5 000 events. Without q, nothing is found.",
      access: "read",
      query: z.object({ q: z.optional(SearchText) }),
      answer: {
        status: 200,
        description: "What was found.",
        schema: Found,
        example: {
          customers: [examples.customer],
          licenses: [examples.license],
          instances: [examples.instance],
          refusals: [],
          messages: [],
          events: [],
        },
      },
    },
    async ({ http, context, query: { q } }) => {
      const found = await searchEverything(context, q ?? "");
      const now = context.clock.now();
      return http.json({
        customers: found.customers.map(presentCustomer),
        licenses: found.licenses.map(({ license }) => presentLicense(license, now)),
        instances: found.instances.map(({ activation }) => presentActivation(activation, now)),
        refusals: found.refusals.map(({ license_id, at, code, instance_id, hostname, ip }) => ({
          ...presentRefusal({ at, code, instance_id, hostname, ip }),
          license_id,
        })),
        messages: found.messages.map(presentMessage),
        events: found.events.map(presentEvent),
      });
    },
  ),
];
