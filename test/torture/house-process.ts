// Started by house.ts: the Worker on workerd, its database in the folder given, until it is killed.
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { modulesIn } from "../../src/dev/bundle/bundle.ts";

const [state] = process.argv.slice(2);
const root = process.cwd();
const limit = { simple: { limit: 1_000_000, period: 60 as const } };

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    // Requests are logged as they are when deployed; nobody reads the lines.
    handleStructuredLogs: () => undefined,
    resourcePersistencePath: state!,
    workers: [
      {
        name: "app",
        modules: modulesIn(".wrangler/torture/worker", "worker.mjs"),
        compatibilityDate: "2026-11-01",
        d1Databases: { DB: "00000000-0000-0000-0000-000000000000" },
        ratelimits: {
          REFUSED_CREDENTIALS_LIMIT: { namespace_id: "1001", ...limit },
          LICENSE_LIMIT: { namespace_id: "1002", ...limit },
          SIGN_IN_LIMIT: { namespace_id: "1003", ...limit },
        },
        // No proxy of the tools stands before it.
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        bindings: JSON.parse(process.env["TORTURE_BINDINGS"]!) as Record<string, string>,
      },
    ],
  }),
);
await miniflare.ready;
const db = await miniflare.getD1Database("DB", "app");

/** Migrations as wrangler applies them: each once, and together with the note that it was. */
async function migrate(): Promise<void> {
  await db.exec("CREATE TABLE IF NOT EXISTS d1_migrations (name TEXT PRIMARY KEY)");
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const known = new Set(results.map(({ name }) => name));
  const { readD1Migrations } = await import("@cloudflare/vitest-plugin");
  for (const { name, queries } of await readD1Migrations(join(root, "migrations"))) {
    if (known.has(name)) continue;
    await db.batch([
      ...queries.map((query) => db.prepare(query)),
      db.prepare("INSERT INTO d1_migrations VALUES (?)").bind(name),
    ]);
  }
}

await migrate();
const { port } = await miniflare.unsafeGetDirectURL("app");
console.log(`ready http://127.0.0.1:${port}`);
