// Backups as the command line takes and restores them, through the API.
import { decodeJwt } from "jose";
import type { Env } from "../../src/config.ts";
import type { Manifest } from "../../src/backup/file.ts";
import { env } from "./env.ts";
import { empty, migrate } from "./migrated.ts";
import { admin, type Answer } from "./service.ts";

/** A service on the second database, which is empty; its bucket is the same one. */
export const elsewhere: Env = { ...env, DB: env.before };

export async function emptyElsewhere(fill: (db: D1Database) => Promise<void> = migrate): Promise<void> {
  await empty(env.before);
  await fill(env.before);
}

export interface TakenBackup {
  id: string;
  event: number;
  pages: { table: string; text: string }[];
  token: string;
  manifest: Manifest;
}

export async function open(body: object = {}, bindings: Env = env): Promise<Answer["body"]> {
  const { status, body: opened, text } = await admin("/backups", { body, bindings });
  if (status !== 201) throw new Error(text);
  return opened;
}

/** The page at a cursor, and what comes after it. */
export async function pageOf(
  id: string,
  cursor: string,
  bindings: Env = env,
): Promise<{ text: string; next?: string; manifest?: string }> {
  const answer = await admin(`/backups/${id}/pages?cursor=${cursor}`, { bindings });
  if (answer.status !== 200) throw new Error(answer.text);
  const at = answer.text.trimEnd().lastIndexOf("\n") + 1;
  return { text: answer.text.slice(0, at), ...JSON.parse(answer.text.slice(at)) };
}

/** @param between called before each page, for what goes on meanwhile */
export async function takeBackup(
  body: object = {},
  between: (tables: Set<string>) => unknown = () => undefined,
  bindings: Env = env,
): Promise<TakenBackup> {
  const { id, event, cursor: first } = await open(body, bindings);
  const pages: TakenBackup["pages"] = [];
  for (let cursor = first; ;) {
    await between(new Set(pages.map(({ table }) => table)));
    const { text, next, manifest: token } = await pageOf(id, cursor, bindings);
    if (text !== "") pages.push({ table: JSON.parse(text.split("\n")[0]!).table, text });
    if (token) return { id, event, pages, token, manifest: decodeJwt(token) as unknown as Manifest };
    cursor = next!;
  }
}

export const beginRestore = (manifest: string, more: object = {}, bindings: Env = elsewhere) =>
  admin("/restores", { body: { manifest, ...more }, bindings });

export const loadPage = (id: string, table: string, page: number, raw: string, bindings: Env = elsewhere) =>
  admin(`/restores/${id}/pages/${table}/${page}`, {
    method: "PUT",
    raw,
    headers: { "Content-Type": "application/x-ndjson" },
    bindings,
  });

export const finish = (id: string, bindings: Env = elsewhere) =>
  admin(`/restores/${id}/finish`, { method: "POST", bindings });

/** Loads what is not loaded yet. */
export async function loadAll(started: Answer["body"], { pages }: TakenBackup, bindings: Env = elsewhere) {
  for (const { table, pages_loaded } of started.tables) {
    for (const [n, { text }] of pages.filter((page) => page.table === table).entries()) {
      if (n < pages_loaded) continue;
      const answer = await loadPage(started.id, table, n + 1, text, bindings);
      if (answer.status !== 200) throw new Error(answer.text);
    }
  }
}

export async function finishAll(id: string, bindings: Env = elsewhere): Promise<Answer["body"]> {
  for (;;) {
    const { status, body, text } = await finish(id, bindings);
    if (status !== 200) throw new Error(text);
    if (body.done) return body.report;
  }
}

/** Restores into the other database. @returns the report */
export async function restore(
  backup: TakenBackup,
  more: object = {},
  bindings: Env = elsewhere,
): Promise<Answer["body"]> {
  const started = await beginRestore(backup.token, more, bindings);
  if (started.status !== 201) throw new Error(started.text);
  await loadAll(started.body, backup, bindings);
  return finishAll(started.body.id, bindings);
}

export const rowsElsewhere = async <T = Record<string, unknown>>(
  sql: string,
  ...values: unknown[]
): Promise<T[]> =>
  (
    await env.before
      .prepare(sql)
      .bind(...values)
      .all<T>()
  ).results;
