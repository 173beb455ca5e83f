// /v1/admin/backups: the whole database, page by page.
import * as z from "zod/mini";
import { listBackups, openBackup, pageAt } from "../../../backup/backups.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { endpoint } from "../../endpoint.ts";
import { pageOf } from "../schemas.ts";
import * as examples from "./examples.ts";
import { OpenedBackup, StoredBackup } from "./schemas.ts";

const BackupId = z.string().check(z.maxLength(64));

const NDJSON = "application/x-ndjson";

export const backupEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/backups",
      tag: "Admin",
      summary: "List the backups in the bucket",
      description:
        "The whole ones, the newest first: one a week, each kept for 35 days. NOT_FOUND if no bucket BACKUPS is bound.",
      access: "backups",
      query: PageQuery,
      answer: {
        status: 200,
        description: "The backups.",
        schema: pageOf(StoredBackup),
        example: { data: [examples.storedBackup], next_cursor: null },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, query }) => http.json(await listBackups(context, query)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/backups",
      tag: "Admin",
      summary: "Begin a backup, or open one of the bucket",
      description:
        "Recorded as an export. Then read page after page, each with the cursor of the one before. While a backup is read, usage is not folded; one that nobody read for a day is given up. with_access adds API tokens (their hashes), people, sessions, and webhook endpoints without their secrets; no backup has other secrets. id opens a backup of the bucket instead.",
      access: "backups",
      body: {
        schema: z.strictObject({ with_access: z.optional(z.boolean()), id: z.optional(BackupId) }),
        example: { with_access: false },
      },
      answer: {
        status: 201,
        description: "The backup, and the cursor of its first page.",
        schema: OpenedBackup,
        example: examples.openedBackup,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, body }) => http.json(await openBackup(context, body), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/backups/{id}/pages",
      tag: "Admin",
      summary: "Read a page of a backup",
      description:
        "Lines of JSON: the head of the page, a row a line, and last either next, the cursor of the next page, or manifest, a JWS of typ backup+jwt over all pages. A page may be read again.",
      access: "backups",
      params: z.object({ id: BackupId }),
      query: z.strictObject({ cursor: z._default(z.string().check(z.maxLength(12_000)), "") }),
      answer: {
        status: 200,
        description: "The page.",
        contentType: NDJSON,
        schema: z.string(),
        example: examples.backupPage,
      },
      records: true,
      refusals: ["CONFLICT", "NOT_FOUND"],
    },
    async ({ http, context, params, query }) =>
      http.body(await pageAt(context, params.id, query.cursor), 200, { "Content-Type": NDJSON }),
  ),
];
