// All that is kept: every column of every table, opened where it is sealed, and the objects of the bucket.
import { unseal } from "../../src/crypto/sealing.ts";
import { ownerOf, PURPOSE } from "../../src/access/idempotency.ts";
import { openMessage } from "../../src/notices/outbox.ts";
import type { Context } from "../../src/context.ts";
import { env } from "./env.ts";
import { rows } from "./service.ts";

const sessionSecret = env.SESSION_SECRET;

/** What is sealed in a row, opened; the row itself for others. */
async function opened(table: string, row: Record<string, unknown>): Promise<string> {
  if (table === "messages" && row["content"] !== "") {
    const mail = await openMessage({ config: { sessionSecret } } as Context, row as never);
    if (mail === null) throw new Error(`the mail ${String(row["id"])} cannot be opened`);
    return JSON.stringify({ ...row, content: mail });
  }
  if (table === "idempotency_keys" && row["answer"] !== null) {
    const owner = ownerOf(String(row["actor_id"]), String(row["key"]));
    const bytes = Uint8Array.from(row["answer"] as number[]);
    const answer = await unseal(sessionSecret, PURPOSE, owner, bytes);
    if (answer === null) throw new Error(`the answer of ${owner} cannot be opened`);
    return JSON.stringify({ ...row, answer: JSON.parse(answer) });
  }
  return JSON.stringify(row);
}

/** Where one of the texts is kept, whatever its case: the names of tables and objects, each with what holds it. */
export async function keptOf(texts: string[]): Promise<string[]> {
  const found: string[] = [];
  const look = (where: string, text: string) => {
    const lower = text.toLowerCase();
    const plain = lower.normalize("NFKD").replaceAll(/\p{M}/gu, "");
    for (const one of texts) {
      if (lower.includes(one.toLowerCase()) || plain.includes(one.toLowerCase()))
        found.push(`${where}: ${text}`);
    }
  };
  const tables = await rows<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
  );
  for (const { name } of tables) {
    for (const row of await rows(`SELECT * FROM ${name}`)) look(name, await opened(name, row));
  }
  const bucket = env.BACKUPS!;
  for (const { key } of (await bucket.list()).objects) {
    look(`BACKUPS/${key}`, `${key} ${await (await bucket.get(key))!.text()}`);
  }
  return found;
}
