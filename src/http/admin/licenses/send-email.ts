// POST /v1/admin/licenses/{id}/send-email.
import { sendLicense, SendRequest } from "../../../notices/keys/sending.ts";
import { presentMessage } from "../../../notices/messages.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../examples.ts";
import { Message } from "../message-schemas.ts";
import { Id } from "../schemas.ts";

export const sendEmailEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/send-email",
    tag: "Admin",
    summary: "Mail a license to its customer",
    description:
      "The current key, to the customer's e-mail address or to another one. Sent right after the answer; the status of the message says how far it is.",
    access: "licenses",
    params: Id,
    body: { schema: SendRequest, example: { to: "it@acme.example" } },
    answer: { status: 200, description: "The message.", schema: Message, example: examples.message },
    refusals: ["LICENSE_NOT_FOUND", "INVALID_TRANSITION"],
  },
  async ({ http, context, params, body }) =>
    http.json(presentMessage(await sendLicense(context, params.id, body))),
);
