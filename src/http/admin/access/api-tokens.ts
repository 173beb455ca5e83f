// /v1/admin/api-tokens
import {
  createApiToken,
  listApiTokens,
  NewApiToken,
  presentApiToken,
  revokeApiToken,
} from "../../../access/tokens.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../examples.ts";
import { ApiToken, MadeApiToken } from "./schemas.ts";
import { Id, pageOf } from "../schemas.ts";

export const apiTokenEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/api-tokens",
      tag: "Admin",
      summary: "Create an API token",
      description: "The answer is the only place where the token is ever shown.",
      access: "access",
      body: { schema: NewApiToken, example: examples.newApiToken },
      answer: { status: 201, description: "Created.", schema: MadeApiToken, example: examples.madeApiToken },
    },
    async ({ http, context, body }) => {
      const { apiToken, token } = await createApiToken(context, body);
      return http.json({ api_token: presentApiToken(apiToken), token }, 201);
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/api-tokens",
      tag: "Admin",
      summary: "List API tokens",
      access: "access",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of tokens in order of creation, including revoked and expired ones.",
        schema: pageOf(ApiToken),
        example: { data: [examples.apiToken], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listApiTokens(context, query);
      return http.json({ ...page, data: page.data.map(presentApiToken) });
    },
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/api-tokens/{id}",
      tag: "Admin",
      summary: "Revoke an API token",
      access: "access",
      params: Id,
      answer: { status: 204, description: "The token is refused from now on." },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => {
      await revokeApiToken(context, params.id);
      return http.body(null, 204);
    },
  ),
];
