// /v1/admin/entitlements: definitions of what can be sold besides features and limits.
import * as z from "zod/mini";
import { PageQuery } from "../../../kernel/pages.ts";
import { etagOf } from "../../../kernel/resources.ts";
import {
  changeEntitlement,
  createEntitlement,
  deleteEntitlement,
  EntitlementChanges,
  EntitlementTerms,
  getEntitlement,
  listEntitlements,
  NewEntitlement,
  presentDefinition,
  putEntitlement,
} from "../../../licensing/entitlements/definitions.ts";
import { Code } from "../../../licensing/entitlements/values.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import type { Http } from "../../http.ts";
import { Entitlement } from "./schemas.ts";
import * as examples from "../examples.ts";
import { pageOf } from "../schemas.ts";

type Definition = Parameters<typeof presentDefinition>[0];

const byCode = z.object({ code: z.string().check(z.minLength(1), z.maxLength(64)) });

function show(http: Http, definition: Definition, status: 200 | 201 = 200): Response {
  http.header("ETag", etagOf(definition));
  return http.json(presentDefinition(definition), status);
}

const FIXED =
  "While a license or a license type has it, kind, aggregate and period stay as they are. What was sold keeps its value, and what happens above it.";

export const entitlementEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/entitlements",
      tag: "Admin",
      summary: "List entitlements",
      access: "read",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of definitions by code.",
        schema: pageOf(Entitlement),
        example: { data: [examples.entitlement], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listEntitlements(context, query);
      return http.json({ ...page, data: page.data.map(presentDefinition) });
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/entitlements",
      tag: "Admin",
      summary: "Define an entitlement",
      description:
        "A flag is true or false; a limit and a meter are whole numbers from 0, or null for unlimited; a text is a text. A meter is counted by the instances: aggregate says whether a month adds its days (sum) or takes the highest (peak), period what its value is for, and over what happens above it. default is what forms begin with.",
      access: "license-types",
      body: { schema: NewEntitlement, example: examples.newEntitlement },
      answer: {
        status: 201,
        description: "Defined.",
        schema: Entitlement,
        etag: true,
        example: examples.entitlement,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => show(http, await createEntitlement(context, body), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/entitlements/{code}",
      tag: "Admin",
      summary: "Read an entitlement",
      access: "read",
      params: byCode,
      answer: {
        status: 200,
        description: "The definition.",
        schema: Entitlement,
        etag: true,
        example: examples.entitlement,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => show(http, await getEntitlement(context, params.code)),
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/admin/entitlements/{code}",
      tag: "Admin",
      summary: "Define or replace an entitlement",
      description: `Members that are left out take their defaults. ${FIXED} Honors If-Match.`,
      access: "license-types",
      params: z.object({ code: Code }),
      body: { schema: EntitlementTerms, example: examples.entitlementTerms },
      answer: {
        status: 200,
        description: "The definition as it is now.",
        created: "The entitlement is new.",
        schema: Entitlement,
        etag: true,
        example: examples.entitlement,
      },
      refusals: ["CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) => {
      const { definition, created } = await putEntitlement(context, params.code, body, ifMatch(http));
      return show(http, definition, created ? 201 : 200);
    },
  ),
  endpoint(
    {
      method: "patch",
      path: "/v1/admin/entitlements/{code}",
      tag: "Admin",
      summary: "Change the definition of an entitlement",
      description: `${FIXED} Honors If-Match.`,
      access: "license-types",
      params: byCode,
      body: { schema: EntitlementChanges, example: { over: "refuse_new" } },
      answer: {
        status: 200,
        description: "The definition as it is now.",
        schema: Entitlement,
        etag: true,
        example: examples.entitlement,
      },
      refusals: ["NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) =>
      show(http, await changeEntitlement(context, params.code, body, ifMatch(http))),
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/entitlements/{code}",
      tag: "Admin",
      summary: "Delete an entitlement that no license and no license type has",
      description: "Honors If-Match.",
      access: "license-types",
      params: byCode,
      answer: { status: 204, description: "Deleted." },
      refusals: ["NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params }) => {
      await deleteEntitlement(context, params.code, ifMatch(http));
      return http.body(null, 204);
    },
  ),
];
