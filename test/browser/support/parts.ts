// npm run parts [-- --port N]: a page of all parts, on the style sheet as it is in the tree. Reload to see a change.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { commandLine } from "../../../src/dev/command.ts";

const USAGE = `Usage: npm run parts -- [options]

  --port N   where it listens, on 127.0.0.1 alone (8788)`;

const ROOT = join(import.meta.dirname, "../../..");

const ASSETS = "/admin/assets/";

const TYPES: Record<string, string> = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

/** The page, made anew of the sources. */
async function page(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["test/support/parts-page.tsx"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    jsx: "automatic",
    jsxImportSource: "hono/jsx",
  });
  const code = Buffer.from(outputFiles[0]!.contents).toString("base64");
  const made = (await import(`data:text/javascript;base64,${code}`)) as { render(): Promise<string> };
  return made.render();
}

export async function serveParts(port = 0): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(({ url = "/" }, response) => {
    const name = basename(url);
    if (url.startsWith(ASSETS)) {
      response.setHeader("Content-Type", TYPES[name.split(".").at(-1)!] ?? "text/plain");
      response.end(readFileSync(join(ROOT, "src/http/ui/assets/admin/assets", name)));
      return;
    }
    page().then(
      (html) => response.setHeader("Content-Type", "text/html; charset=utf-8").end(html),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = commandLine(USAGE, { options: { port: { type: "string", default: "8788" } } });
  const { url } = await serveParts(Number(values.port));
  process.stdout.write(`${url}\n`);
}
