// What the admin API takes and answers about people, tokens, and who is asking.
import * as z from "zod/mini";
import { Email } from "../../../access/people.ts";
import { AnyRole, PersonRole } from "../../../kernel/permissions.ts";
import { Instant, OptionalInstant } from "../../schemas.ts";

export const EmailParam = z.object({ email: Email });

export const ApiToken = z.object({
  id: z.string(),
  name: z.string(),
  role: AnyRole,
  prefix: z.string().check(z.describe("The start of the token, to tell tokens apart")),
  created_by: z.string(),
  created_at: Instant,
  expires_at: OptionalInstant,
  last_used_at: z.nullable(Instant.check(z.describe("Exact to the minute"))),
  revoked_at: OptionalInstant,
});

export const MadeApiToken = z.object({
  api_token: ApiToken,
  token: z.string().check(z.describe("Shown here and never again")),
});

export const Person = z.object({
  email: z.string(),
  role: PersonRole,
  created_at: Instant,
  updated_at: Instant,
});

export const Me = z.object({
  actor: z.object({
    type: z.literal("staff"),
    id: z.string().check(z.describe("The id of an API token, an e-mail address, or ADMIN_TOKEN")),
  }),
  role: AnyRole,
});
