// The database of a service that a test starts. Applying the migrations takes wrangler five seconds of a processor, and
// checking whether one is missing another two. So they are applied once, the database is copied, and nobody checks
// again. start.spec.ts tests that a new service applies them itself.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

/** A state folder with all migrations applied. It is kept until a migration changes. */
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
    // Another process was faster; its folder is the same.
    rmSync(made, { recursive: true });
  }
  return kept;
}

/** Puts an empty database with all migrations into the folder, unless there is one, and says where it is. */
export function migrated(folder: string): { persistTo: string; isMigrated: true } {
  if (!existsSync(join(folder, "v3"))) cpSync(template(), folder, { recursive: true });
  return { persistTo: folder, isMigrated: true };
}
