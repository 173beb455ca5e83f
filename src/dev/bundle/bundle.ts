// The Worker in the form in which it is deployed: several files, because wrangler's own bundling makes a single one, and
// an isolate prepares all of that before its first answer. Here, what is loaded by `import()` has files of its own. See
// docs/decisions/0014-late-files.md.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type OutputFile } from "esbuild";

const ROOT = join(import.meta.dirname, "../../..");

export interface Bundle {
  /** The folder it is for, which `write` fills. */
  folder: string;
  metafile: Metafile;
  /** With source maps. */
  files: OutputFile[];
}

/** @param entry a path in the project, like `folder` */
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
    // As wrangler does it: for workerd.
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"' },
    external: ["cloudflare:*", "node:*"],
    // Half the bundle, and half the time that an isolate takes to start. Stacks stay readable by the source maps. Names
    // of functions are not kept: each one made while a request is answered would be given its name again.
    minify: true,
    sourcemap: true,
    alias: { "postal-mime": "./src/notices/no-inbound-mail.ts" },
  });
  return { folder, metafile, files };
}

/** Writes the files, each of them whole at once: other services may start from the same folder meanwhile. */
export function write({ folder, files }: Bundle): void {
  const at = join(ROOT, folder);
  mkdirSync(at, { recursive: true });
  for (const { path, contents } of files) {
    writeFileSync(`${path}.${process.pid}`, contents);
    renameSync(`${path}.${process.pid}`, path);
  }
  // Wrangler uploads all modules that it finds there, those of an earlier build too.
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(at)) {
    if (/\.mjs(?:\.map)?$/.test(name) && !names.has(name)) rmSync(join(at, name));
  }
}

/** The modules in a folder of the project as Miniflare takes them. It runs the first: `entry`. */
export const modulesIn = (folder: string, entry: string): { type: "ESModule"; path: string }[] =>
  [entry, ...readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".mjs") && name !== entry)].map(
    (name) => ({ type: "ESModule", path: `${folder}/${name}` }),
  );

export interface Part {
  /** The files it was made of, as paths in the project. */
  sources: string[];
  kibGzip: number;
}

function partOf({ metafile, files }: Bundle, outputs: string[]): Part {
  const chosen = new Set(outputs);
  const code = files.filter(({ path }) => chosen.has(relative(ROOT, path))).map(({ contents }) => contents);
  return {
    sources: outputs.flatMap((output) => Object.keys(metafile.outputs[output]!.inputs)),
    // Compressed together, as wrangler counts it.
    kibGzip: gzipSync(Buffer.concat(code)).length / 1024,
  };
}

/** Everything that is deployed. */
export const whole = (made: Bundle): Part =>
  partOf(
    made,
    Object.keys(made.metafile.outputs).filter((output) => output.endsWith(".mjs")),
  );

/** What an isolate prepares before its first answer: the file of the entry, and those that it imports at once. */
export function loadedAtOnce(made: Bundle, entry: string): Part {
  const { outputs } = made.metafile;
  const found = new Set(Object.keys(outputs).filter((output) => outputs[output]!.entryPoint === entry));
  for (const output of found) {
    for (const { kind, path } of outputs[output]!.imports) {
      if (kind === "import-statement" && path in outputs) found.add(path);
    }
  }
  return partOf(made, [...found]);
}
