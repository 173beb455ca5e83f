// The database of a service that a test starts. Applying the migrations takes wrangler five seconds of a processor,
// and to look whether any is missing another two, so they are applied once and copied, and nobody looks again; that
// a new service applies them itself is what start.spec.ts looks at.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

/** A folder of state with all migrations, kept for as long as they stay the same. */
function template(): string {
  const hash = createHash("sha256");
  for (const file of globSync("migrations/*.sql", { cwd: ROOT }).toSorted())
    hash.update(file).update(readFileSync(join(ROOT, file)));
  const kept = join(tmpdir(), `caio-licensing-migrated-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(kept)) return kept;
  const made = mkdtempSync(join(tmpdir(), "caio-licensing-migrating-"));
  const command = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", made];
  const { status, stdout, stderr } = spawnSync(process.execPath, [WRANGLER, ...command], {
    cwd: ROOT,
    env: { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`no database for the tests:\n${stdout}\n${stderr}`);
  try {
    renameSync(made, kept);
  } catch {
    // Another process was faster; its folder holds the same.
    rmSync(made, { recursive: true });
  }
  return kept;
}

/** Where a service finds a database in the folder: an empty one with all migrations, unless there is one already. */
export function migrated(folder: string): { persistTo: string; isMigrated: true } {
  if (!existsSync(join(folder, "v3"))) cpSync(template(), folder, { recursive: true });
  return { persistTo: folder, isMigrated: true };
}
