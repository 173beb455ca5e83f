// /v1/admin/statistics and /v1/admin/events: the business as a whole.
import * as z from "zod/mini";
import { EventFilter, listEvents, presentEvent } from "../../audit/event-list.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { CensusQuery, countInstances } from "../../licensing/instances/census.ts";
import { readStatistics } from "../../licensing/figures/statistics.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { EventDocument } from "./record-schemas.ts";
import { Census, pageOf, Statistics } from "./schemas.ts";

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
