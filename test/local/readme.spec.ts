import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePort, startService } from "../../src/dev/service.ts";

it("the README's first license and activation work as printed", async () => {
  const readme = readFileSync("README.md", "utf8");
  const block = /## A first license and activation[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)![1]!;
  const persistTo = mkdtempSync(join(tmpdir(), "caio-licensing-test-"));
  const service = await startService({ port: await freePort(), persistTo });
  try {
    const commands = block.replace("http://localhost:8787", service.url);
    expect(commands).not.toBe(block);
    const output = execFileSync("bash", ["-ec", commands], { encoding: "utf8" });
    expect(output).toContain('"id":"acme"');
    expect(output).toContain('"status":"activated"');
    expect(output).toContain('"instances":{"active":1,"max":2}');
    expect(output).toContain('"kty":"OKP"');
  } finally {
    await service.stop();
    rmSync(persistTo, { recursive: true, force: true });
  }
});
