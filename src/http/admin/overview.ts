// /v1/admin/statistics, …/attention and …/events: the business as a whole.
import * as z from "zod/mini";
import { EventFilter, listEvents, presentEvent } from "../../audit/event-list.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { chartPeriods, periodNamed } from "../../kernel/periods.ts";
import { CensusQuery, countInstances } from "../../licensing/instances/census.ts";
import { presentTrouble, readAttention } from "../../licensing/figures/attention/attention.ts";
import { listSettled, presentSettled } from "../../licensing/figures/attention/settled-list.ts";
import {
  Settlement,
  settleAttention,
  unsettleAttention,
  Unsettlement,
} from "../../licensing/figures/attention/settled.ts";
import { readVersions } from "../../licensing/figures/versions.ts";
import { readStatistics } from "../../licensing/figures/statistics.ts";
import { ATTENTION_KINDS } from "../../storage/schema.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { EventDocument, SettledAttention } from "./record-schemas.ts";
import { license } from "../examples.ts";
import { Instant, Text } from "../schemas.ts";
import { Census, Id, pageOf, Statistics } from "./schemas.ts";

const Kind = z.enum(ATTENTION_KINDS);

export const TroubleDocument = z.object({
  kind: Kind,
  license_id: z.string(),
  license_type: z.string(),
  customer_id: z.string(),
  customer_name: z.string(),
  count: z.int().check(z.describe("Of what was looked at; there may be more")),
  at: Instant,
  worst: z.record(z.string(), z.unknown()),
});

export const VersionDay = z.object({
  day: z.string(),
  versions: z.array(
    z.object({ version: Text.check(z.describe("null: those that name none")), count: z.int() }),
  ),
  others: z.int(),
});

export const Settled = z.object({ license_id: z.string(), kind: Kind, until: z.nullable(Instant) });

const LICENSE = license.id;

export const overviewEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/statistics",
      tag: "Admin",
      summary: "Read the statistics",
      description:
        "active: entitled to run now; expiring_soon: entitled and ending within 30 days. A seat counts as active until it is given back, or until the license's next activation notices that its lease has ended.",
      access: "read",
      answer: {
        status: 200,
        description: "The current figures.",
        schema: Statistics,
        example: examples.statistics,
      },
    },
    async ({ http, context }) => http.json(await readStatistics(context)),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/statistics/instances",
      tag: "Admin",
      summary: "Count live, silent and freed instances",
      description:
        "live: holds a seat and was seen within silent_days, or has no network (activated by a file); silent: holds a seat and was not seen; freed: no longer holds a seat. Reads every activation, unlike the other figures.",
      access: "read",
      query: CensusQuery,
      answer: { status: 200, description: "The current figures.", schema: Census, example: examples.census },
    },
    async ({ http, context, query }) => http.json(await countInstances(context, query)),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/statistics/versions",
      tag: "Admin",
      summary: "Read which versions ran, day by day",
      description:
        "Counted once a day, of all instances that hold a seat: the 20 versions that most of them run, and how many run another one (others). period: 30d (without it), 90d, 12m, or a quarter such as 2026-Q3, of the last four. Days that were not counted are left out.",
      access: "read",
      query: z.strictObject({ period: z.optional(z.string().check(z.maxLength(10))) }),
      answer: {
        status: 200,
        description: "The days that were counted.",
        schema: z.object({ data: z.array(VersionDay), next_cursor: z.null() }),
        example: {
          data: [
            {
              day: "2026-11-24",
              versions: [
                { version: "2.0.4", count: 12 },
                { version: "2.1.0", count: 310 },
              ],
              others: 0,
            },
          ],
          next_cursor: null,
        },
      },
    },
    async ({ http, context, query }) => {
      const period = periodNamed(query.period, chartPeriods(context.clock.now()));
      return http.json({ data: await readVersions(context, period), next_cursor: null });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/attention",
      tag: "Admin",
      summary: "List what needs attention",
      description:
        "By license and kind, a few of each kind: suspected clones (cloned), requests without proof from several addresses (scattered), mail that bounced or failed (undelivered), changes to come that are held or failed (stuck), licenses that end (ending), use above a limit (overused), silent instances (silent). worst is what is worst of them. What was settled is left out.",
      access: "read",
      answer: {
        status: 200,
        description: "What needs attention.",
        schema: z.object({ data: z.array(TroubleDocument), next_cursor: z.null() }),
        example: {
          data: [
            {
              kind: "overused",
              license_id: LICENSE,
              license_type: "professional",
              customer_id: "acme",
              customer_name: "ACME GmbH",
              count: 3,
              at: "2026-11-24T09:00:00.000Z",
              worst: { day: "2026-11-24", limit: "max_services", allowed: 100, observed: 120 },
            },
          ],
          next_cursor: null,
        },
      },
    },
    async ({ http, context }) => {
      const { troubles } = await readAttention(context);
      return http.json({ data: troubles.map(presentTrouble), next_cursor: null });
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/settle",
      tag: "Admin",
      summary: "Settle what needs attention",
      description:
        "Takes one kind of trouble of a license off the list: for snooze_days, or until something new of this kind happens. Changes nothing else. A later call replaces it.",
      access: "licenses",
      params: Id,
      body: { schema: Settlement, example: { kind: "silent", reason: "The machine is in storage." } },
      answer: {
        status: 200,
        description: "Settled. until is null if it is until something new happens.",
        schema: Settled,
        example: { license_id: LICENSE, kind: "silent", until: null },
      },
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params, body }) => http.json(await settleAttention(context, params.id, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/unsettle",
      tag: "Admin",
      summary: "Take a settlement back",
      description:
        "What was settled needs attention again if it is still there. Refused with 404 if nothing of this kind is settled.",
      access: "licenses",
      params: Id,
      body: { schema: Unsettlement, example: { kind: "silent", reason: "It was taken out of storage." } },
      answer: {
        status: 200,
        description: "Taken back.",
        schema: z.object({ license_id: z.string(), kind: Kind }),
        example: { license_id: LICENSE, kind: "silent" },
      },
      refusals: ["LICENSE_NOT_FOUND", "NOT_FOUND"],
    },
    async ({ http, context, params, body }) => http.json(await unsettleAttention(context, params.id, body)),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/attention/settled",
      tag: "Admin",
      summary: "List what is settled",
      description:
        "The latest first, with the reason and who decided it. until is null if it is until something new happens; such a settlement is listed until it is taken back or replaced. A page may have fewer rows than asked for, even if there is a next page.",
      access: "read",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of settlements that hold.",
        schema: pageOf(SettledAttention),
        example: {
          data: [
            {
              license_id: LICENSE,
              license_type: "professional",
              customer_id: "acme",
              customer_name: "ACME GmbH",
              kind: "silent",
              settled_at: "2026-11-24T09:00:00.000Z",
              until: null,
              reason: "The machine is in storage.",
              actor: { type: "staff", id: "grace@smarthaus.example" },
            },
          ],
          next_cursor: null,
        },
      },
    },
    async ({ http, context, query }) => {
      const page = await listSettled(context, query);
      return http.json({ ...page, data: page.data.map(presentSettled) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/events",
      tag: "Admin",
      summary: "List what happened",
      description:
        "The latest first. A page may have fewer rows than asked for, even if there is a next page. since and until take an instant or a date. Events of people, tokens and sign-ins are shown to owners only.",
      access: "read",
      query: z.extend(PageQuery, EventFilter.shape),
      answer: {
        status: 200,
        description: "A page of events.",
        schema: pageOf(EventDocument),
        example: { data: [examples.event], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listEvents(context, { limit, cursor }, filter);
      return http.json({ ...page, data: page.data.map(presentEvent) });
    },
  ),
];
