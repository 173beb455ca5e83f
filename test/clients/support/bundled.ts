// A program of this folder in one file. What is started dozens of times loads that in a quarter of the time, and what is
// killed keeps no cache of what Node compiled.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

export async function bundled(name: "killed" | "pod"): Promise<{ path: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "caio-licensing-program-"));
  const path = join(folder, `${name}.mjs`);
  const entry = join(import.meta.dirname, `${name}.ts`);
  await build({ entryPoints: [entry], outfile: path, bundle: true, platform: "node", format: "esm" });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}
