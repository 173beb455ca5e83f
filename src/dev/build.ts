// Makes dist/, which is what is deployed, of src/worker.ts. Wrangler runs this (wrangler.toml), because its own bundling
// puts everything into one file, and an isolate would prepare all of it before its first answer. Here what is loaded by
// `import()` is a file of its own.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, type Metafile, type OutputFile } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

export interface Bundle {
  metafile: Metafile;
  files: OutputFile[];
}

/** The Worker at `entry`, a path in the project, for a folder of the project; nothing is written. */
export async function bundle(entry: string, folder: string): Promise<Bundle> {
  const { metafile, outputFiles: files } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    // What wrangler bundles for: the Workers of Cloudflare.
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"' },
    external: ["cloudflare:*", "node:*"],
    // Half the bundle, and half the time that an isolate takes to start. Stacks stay readable by the source map. Names
    // of functions are not kept: each function made while a request is answered would be given its name again.
    minify: true,
    sourcemap: true,
    alias: { "postal-mime": "./src/notices/no-inbound-mail.ts" },
  });
  return { metafile, files };
}

/** Writes the files of a bundle, each whole at once: other services may start from this folder at the same time. */
export function write({ files }: Bundle, folder: string): void {
  const at = join(ROOT, folder);
  mkdirSync(at, { recursive: true });
  for (const { path, contents } of files) {
    writeFileSync(`${path}.${process.pid}`, contents);
    renameSync(`${path}.${process.pid}`, path);
  }
  // Wrangler uploads every file that it finds there.
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(at))
    if (/\.mjs(\.map)?$/.test(name) && !names.has(name)) rmSync(join(at, name));
}

if (import.meta.main) write(await bundle("src/worker.ts", "dist"), "dist");
