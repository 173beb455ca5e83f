// What webhook endpoints get, as the OpenAPI document says it.

export interface Webhook {
  type: string;
  /** What happened. */
  words: string;
  /** What it is about. */
  entity: string;
  /** A whole delivery. */
  example: Record<string, unknown>;
}

const header = (name: string, description: string): object => ({
  name,
  in: "header",
  required: true,
  description,
  schema: { type: "string" },
});

const HEADERS = [
  header("webhook-id", "The id of the event: the same each time that it is sent"),
  header("webhook-timestamp", "When it is sent, in seconds since the Unix epoch"),
  header(
    "webhook-signature",
    "v1, and HMAC-SHA-256 in base64; two of them, separated by a blank, while a secret is changed",
  ),
];

const text = { type: "string" };

/** What every delivery looks like. */
export const WEBHOOK_SCHEMA = {
  type: "object",
  required: ["id", "type", "timestamp", "data"],
  properties: {
    id: { type: "integer" },
    type: text,
    timestamp: { type: "string", format: "date-time" },
    data: {
      type: "object",
      required: ["event", "object"],
      properties: {
        event: { type: "object", description: "As GET /v1/admin/events shows it" },
        object: {
          anyOf: [{ type: "object" }, { type: "null" }],
          description: "What the event is about, as the API shows it when it is sent; null if it is gone",
        },
      },
    },
  },
};

/** The member `webhooks` of the document. */
export const openApiWebhooks = (webhooks: readonly Webhook[]): Record<string, object> =>
  Object.fromEntries(
    webhooks.map(({ type, words, entity, example }) => [
      type,
      {
        post: {
          operationId: `webhook_${type.replace(".", "_")}`,
          tags: ["Webhooks"],
          summary: words,
          description: `About: ${entity}.`,
          security: [],
          parameters: HEADERS,
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/Webhook" }, example } },
          },
          responses: {
            "2XX": { description: "Taken. Any other answer, and none within ten seconds, is tried again." },
          },
        },
      },
    ]),
  );
