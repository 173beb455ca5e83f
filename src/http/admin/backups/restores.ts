// /v1/admin/restores: a backup into an empty database.
import * as z from "zod/mini";
import { beginRestore, presentRestore } from "../../../backup/restore/begin.ts";
import { finishRestore } from "../../../backup/restore/finish.ts";
import { loadPage, MAX_PAGE } from "../../../backup/restore/load.ts";
import { written } from "../../../kernel/inputs.ts";
import { allow } from "../../../kernel/permissions.ts";
import { Problem } from "../../../problems.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "./examples.ts";
import { FinishedRestore, StartedRestore } from "./schemas.ts";

const RestoreId = z.string().check(z.maxLength(64));

export const restoreEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/restores",
      tag: "Admin",
      summary: "Begin a restore into an empty database",
      description:
        "Until it is finished, every other call that changes something, and every call of an instance, is answered with SERVICE_UNAVAILABLE. A restore that did not end is carried on if it is of the same backup, and begun anew if it is of another one. known_seal is the last seal that somebody outside knows of: the seals that follow the restored ones get higher numbers.",
      access: "backups",
      body: {
        schema: z.strictObject({
          manifest: z.string().check(z.maxLength(60_000)),
          with_access: z.optional(z.boolean()),
          known_seal: z.optional(z.int().check(z.minimum(0))),
        }),
        example: { manifest: examples.manifest, with_access: false },
      },
      answer: {
        status: 201,
        description: "How far it is. Pages are loaded in the order of the tables.",
        schema: StartedRestore,
        example: examples.restore,
      },
    },
    async ({ http, context, body }) => http.json(presentRestore(await beginRestore(context, body)), 201),
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/admin/restores/{id}/pages/{table}/{page}",
      tag: "Admin",
      summary: "Load a page of a backup",
      description:
        "The pages of a table in their order, from 1 on, each as it was read: its head and its rows. A page that is loaded already is not loaded again.",
      access: "backups",
      params: z.object({
        id: RestoreId,
        table: z.string().check(z.maxLength(64)),
        page: written(z.int().check(z.minimum(1))),
      }),
      lines: { description: "The head of the page and its rows", example: examples.page, maxBytes: MAX_PAGE },
      answer: {
        status: 200,
        description: "How many pages of the table are loaded.",
        schema: z.object({ table: z.string(), pages_loaded: z.int() }),
        example: { table: "license_types", pages_loaded: 1 },
      },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => {
      allow(context, "backups");
      if (!/^application\/x-ndjson\s*(?:;|$)/i.test(http.req.header("content-type") ?? ""))
        throw new Problem("UNSUPPORTED_MEDIA_TYPE", "A page is application/x-ndjson.");
      // Not text(): workerd warns of it for this type.
      const text = new TextDecoder().decode(await http.req.arrayBuffer());
      return http.json(await loadPage(context, params, text));
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/restores/{id}/finish",
      tag: "Admin",
      summary: "Do the next step after the last page",
      description:
        "Call it until done is true. Rows and counters are counted, indexes and triggers made, and the seals checked; then the service works again, and the event record.restored names the heads that were given up.",
      access: "backups",
      params: z.object({ id: RestoreId }),
      answer: {
        status: 200,
        description: "The step that was done, or the report.",
        schema: FinishedRestore,
        example: examples.finished,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => http.json(await finishRestore(context, params.id)),
  ),
];
