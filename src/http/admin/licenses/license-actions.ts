// /v1/admin/licenses/{id}/…: the transitions of a license, its key, and what belongs to it.
import * as z from "zod/mini";
import { listEvents, presentEvent } from "../../../audit/event-list.ts";
import {
  InstanceFilter,
  listActivations,
  presentActivation,
} from "../../../licensing/instances/instances.ts";
import {
  reinstateLicense,
  reissueLicense,
  Reasoned,
  Reinstatement,
  Renewal,
  renewLicense,
  revealLicenseKey,
  revokeLicense,
  suspendLicense,
} from "../../../licensing/licenses/lifecycle.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { readUsage, UsageQuery } from "../../../licensing/usage/usage.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import type { ProblemCode } from "../../../problems.ts";
import { type Endpoint, endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { event } from "../examples.ts";
import {
  DryRunQuery,
  EventDocument,
  Id,
  Instance,
  IssuedLicense,
  License,
  LicenseKey,
  LicenseOrPreview,
  LicenseUsage,
  pageOf,
} from "../schemas.ts";
import { showIssued, showLicense } from "./licenses.ts";

const REFUSALS: ProblemCode[] = ["LICENSE_NOT_FOUND", "INVALID_TRANSITION", "CONFLICT"];

/** The two that stop a license, each with a reason and a dry run. */
const stopping = (
  action: "suspend" | "revoke",
  summary: string,
  description: string,
  stopped: "suspended" | "revoked",
  stop: typeof suspendLicense,
): Endpoint =>
  endpoint(
    {
      method: "post",
      path: `/v1/admin/licenses/{id}/${action}`,
      tag: "Admin",
      summary,
      description: `${description} With dry_run=true it answers what that would do and writes nothing.`,
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: Reasoned, example: { reason: "Invoice 4711 is not paid." } },
      answer: {
        status: 200,
        description: "The license, or the preview.",
        schema: LicenseOrPreview,
        etag: true,
        example: { ...examples.license, status: stopped, standing: stopped },
      },
      refusals: REFUSALS,
    },
    async ({ http, context, params, query, body }) =>
      query.dry_run
        ? http.json(await previewChange(context, params.id, action))
        : showLicense(http, await stop(context, params.id, body)),
  );

export const licenseActionEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses/{id}/usage",
      tag: "Admin",
      summary: "Read the usage of a license",
      description:
        "Per UTC day and instance, with the limits beside it; the last 30 days where no range is given.",
      access: "read",
      params: Id,
      query: UsageQuery,
      answer: {
        status: 200,
        description: "The usage.",
        schema: LicenseUsage,
        example: examples.licenseUsage,
      },
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params, query }) => http.json(await readUsage(context, params.id, query)),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses/{id}/key",
      tag: "Admin",
      summary: "Reveal the current license key",
      description: "Recorded as an event.",
      access: "keys",
      params: Id,
      answer: {
        status: 200,
        description: "The key.",
        schema: LicenseKey,
        example: { license_key: examples.issuedLicense.license_key },
      },
      records: true,
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json({ license_key: await revealLicenseKey(context, params.id) }),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/renew",
      tag: "Admin",
      summary: "Renew a license",
      description:
        "expires_days counts from the later of now and the license's end. The key in use goes on working: each activation and check-in answers with the current one.",
      access: "licenses",
      params: Id,
      body: { schema: Renewal, example: { expires_days: 365 } },
      answer: {
        status: 200,
        description: "The license and its new key.",
        schema: IssuedLicense,
        etag: true,
        example: examples.issuedLicense,
      },
      refusals: REFUSALS,
    },
    async ({ http, context, params, body }) => showIssued(http, await renewLicense(context, params.id, body)),
  ),
  stopping(
    "suspend",
    "Suspend a license",
    "Refuses its activations and check-ins until it is reinstated; certificates hold until their lease ends.",
    "suspended",
    suspendLicense,
  ),
  stopping("revoke", "Revoke a license for good", "Final.", "revoked", revokeLicense),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/reinstate",
      tag: "Admin",
      summary: "Lift a suspension",
      access: "licenses",
      params: Id,
      body: { schema: Reinstatement, example: { reason: "The invoice was paid." } },
      answer: {
        status: 200,
        description: "The license.",
        schema: License,
        etag: true,
        example: examples.license,
      },
      refusals: REFUSALS,
    },
    async ({ http, context, params, body }) =>
      showLicense(http, await reinstateLicense(context, params.id, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/reissue",
      tag: "Admin",
      summary: "Replace a leaked license key",
      description: "Raises the revision: keys of older revisions are refused with LICENSE_KEY_SUPERSEDED.",
      access: "licenses",
      params: Id,
      body: { schema: Reasoned, example: { reason: "The key was posted in a public forum." } },
      answer: {
        status: 200,
        description: "The license and its new key.",
        schema: IssuedLicense,
        etag: true,
        example: { ...examples.issuedLicense, license: { ...examples.license, revision: 2 } },
      },
      refusals: REFUSALS,
    },
    async ({ http, context, params, body }) =>
      showIssued(http, await reissueLicense(context, params.id, body)),
  ),
  endpoint(
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
  ),
  endpoint(
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
  ),
];
