// /webhooks/resend: whether mail was delivered.
import { takeReceipt } from "../notices/receipts.ts";
import { limitBody, MAX_BODY } from "./body-limit.ts";
import { endpoint } from "./endpoint.ts";

export const receiptEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/webhooks/resend",
      tag: "Service",
      summary: "Receive a delivery receipt from Resend",
      description:
        "An event as Resend sends it, with the headers svix-id, svix-timestamp and svix-signature. Delivered, bounced and complained are recorded; others are taken and ignored.",
      access: "public",
      answer: { status: 204, description: "Taken." },
      refusals: ["NOT_FOUND", "UNAUTHENTICATED", "PAYLOAD_TOO_LARGE"],
    },
    async ({ http, context }) => {
      await limitBody(http, MAX_BODY);
      const header = (name: string): string => http.req.header(name) ?? "";
      await takeReceipt(context, {
        // The exact bytes that were signed.
        payload: await http.req.text(),
        id: header("svix-id"),
        timestamp: header("svix-timestamp"),
        signature: header("svix-signature"),
      });
      return http.body(null, 204);
    },
  ),
];
