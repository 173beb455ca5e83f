// /v1/admin/messages
import * as z from "zod/mini";
import { getMessage, listMessages, MessageFilter, presentMessage } from "../../notices/messages.ts";
import { replaceMessage } from "../../notices/keys/replacing.ts";
import { RetryFilter, retryMessage, retryMessages } from "../../notices/retries.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { Message, MessageWithPreview, Retried } from "./message-schemas.ts";
import { Id, pageOf } from "./schemas.ts";

export const messageEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/messages",
      tag: "Admin",
      summary: "List mail",
      description:
        "The newest first. A page may have fewer rows than asked for, even if there is a next page.",
      access: "read",
      query: z.extend(PageQuery, MessageFilter.shape),
      answer: {
        status: 200,
        description: "A page of messages.",
        schema: pageOf(Message),
        example: { data: [examples.message], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listMessages(context, { limit, cursor }, filter);
      return http.json({ ...page, data: page.data.map(presentMessage) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/messages/{id}",
      tag: "Admin",
      summary: "Read a message, with the mail itself",
      description:
        "preview is null if the mail contains a license key and the caller may not see keys, and once its text is not kept any more (RETAIN_MAIL_DAYS). Showing a key is recorded.",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The message.",
        schema: MessageWithPreview,
        example: examples.messageWithPreview,
      },
      records: true,
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      const { message, preview } = await getMessage(context, params.id);
      return http.json({ ...presentMessage(message), preview });
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/messages/{id}/retry",
      tag: "Admin",
      summary: "Send a message again",
      description:
        "A message that failed, bounced, or was skipped, with the notices that the same mail tells; not one that was superseded. If last_error says that it may have been sent, the recipient may get it twice.",
      access: "licenses",
      params: Id,
      answer: {
        status: 200,
        description: "The message, on its way.",
        schema: Message,
        example: examples.message,
      },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => http.json(presentMessage(await retryMessage(context, params.id))),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/messages/{id}/replace",
      tag: "Admin",
      summary: "Send a message to the right address",
      description:
        "What a message that bounced or failed said goes to the customer's present contacts, after its address was corrected: a key as it is now, a notice in the words of the day, with the notices that the same mail told. The old message gets the reason superseded.",
      access: "licenses",
      params: Id,
      answer: {
        status: 200,
        description: "The first of the new messages.",
        schema: Message,
        example: examples.message,
      },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => http.json(presentMessage(await replaceMessage(context, params.id))),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/messages/retry",
      tag: "Admin",
      summary: "Send messages again",
      description:
        "All that the filter finds and that can be sent again, the oldest first, at most 1 000 in one call. since and until are about when they were written; a date is a whole day.",
      access: "licenses",
      body: { schema: RetryFilter, example: { status: "failed", since: "2027-01-31", until: "2027-01-31" } },
      answer: {
        status: 200,
        description: "How many are on their way, and whether there are more.",
        schema: Retried,
        example: { retried: 12, more: false },
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => http.json(await retryMessages(context, body)),
  ),
];
