import { createServer } from "node:http";
import { expect, it } from "vitest";
import { freePort } from "../../src/dev/service.ts";
import { npm } from "./support/npm.ts";

it("npm run demo tells its story from a customer to a verified certificate", async () => {
  const script = npm("demo");
  expect(await script.ended).toBe(0);
  expect(script.output()).toMatch(/1\. [\s\S]*2\. [\s\S]*3\. [\s\S]*ACTIVATION_LIMIT_REACHED[\s\S]*Remedy: /);
  expect(script.output()).toMatch(
    /4\. [\s\S]*5\. [\s\S]*LICENSE_KEY_INVALID[\s\S]*Everything went as told\./,
  );
});

it("npm run demo fails where the service does something else than it tells", async () => {
  const server = createServer((_, response) => {
    response.writeHead(201, { "Content-Type": "application/json" }).end('{"license":{"max_instances":3}}');
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  const script = npm("demo", "--url", `http://127.0.0.1:${port}`, "--token", "any");
  expect(await script.ended).toBe(1);
  expect(script.output()).not.toMatch(/Everything went as told/);
  server.close();
});
