// /v1/admin/me
import { allow } from "../../../kernel/permissions.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../examples.ts";
import { Me } from "./schemas.ts";

export const meEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/me",
      tag: "Admin",
      summary: "Whose credentials these are, and their role",
      access: "read",
      answer: { status: 200, description: "The caller.", schema: Me, example: examples.me },
    },
    ({ http, context }) => {
      const { role, ...actor } = allow(context, "read");
      return http.json({ actor, role });
    },
  ),
];
