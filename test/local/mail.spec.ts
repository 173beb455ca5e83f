// Mail over HTTP: the whole service with Resend's own SDK against a stand-in for Resend, behind a proxy that fails
// as networks do. At the end each notice is in the inbox once.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createEmulator, type Emulator } from "emulate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type RunningService } from "../../src/dev/service.ts";
import { startBuilt } from "./support/built.ts";
import { migrated } from "./support/migrated.ts";

type Fault = "429" | "500" | "drop before accepting" | "drop after accepting" | "hang";

let folder: string;
let resend: Emulator;
let proxy: Server;
let service: RunningService;
/** What happens to the next requests, one each. */
const faults: Fault[] = [];
const seen: string[] = [];

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const fault = faults.shift();
  seen.push(fault ?? "passed");
  const refuse = (status: number, name: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify({ statusCode: status, name, message: name }));
  };
  if (fault === "429") return refuse(429, "rate_limit_exceeded", { "Retry-After": "1" });
  if (fault === "500") return refuse(500, "internal_server_error");
  if (fault === "drop before accepting") return void request.socket.destroy();
  const answer = await fetch(`${resend.url}${request.url}`, {
    method: request.method ?? "GET",
    headers: {
      "Content-Type": "application/json",
      "Idempotency-Key": String(request.headers["idempotency-key"]),
    },
    body: new Uint8Array(body),
  });
  const text = await answer.text();
  if (fault === "drop after accepting") return void request.socket.destroy();
  // The service gives up before that.
  if (fault === "hang") await sleep(40_000);
  response.writeHead(answer.status, { "Content-Type": "application/json" });
  response.end(text);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-mail-"));
  resend = await createEmulator({ service: "resend", port: await freePort() });
  const port = await freePort();
  proxy = createServer((request, response) => {
    void forward(request, response);
  }).listen(port, "127.0.0.1");
  await once(proxy, "listening");
  service = await startBuilt({
    port: await freePort(),
    ...migrated(folder),
    vars: [
      "RESEND_API_KEY:re_local",
      `RESEND_BASE_URL:http://127.0.0.1:${port}`,
      "RESEND_RATE_PER_SECOND:50",
      "ADMIN_EMAILS:ops@smarthaus.example",
    ],
  });
});

afterAll(async () => {
  await service?.stop();
  proxy?.closeAllConnections();
  proxy?.close();
  await resend?.close();
  rmSync(folder, { recursive: true, force: true });
});

const origin = (): string => `http://127.0.0.1:${new URL(service.url).port}`;

async function admin(path: string, body?: object): Promise<any> {
  const answer = await fetch(`${origin()}/v1/admin${path}`, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${service.token}`, "Content-Type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return answer.json();
}

async function fire(cron: string): Promise<void> {
  const url = `${origin()}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`;
  const answer = await fetch(url);
  expect(answer.status, await answer.text()).toBe(200);
}

async function inbox(): Promise<{ to: string[]; subject: string }[]> {
  const answer = await fetch(`${resend.url}/emails`, { headers: { Authorization: "Bearer re_local" } });
  const { data }: { data: { to: string[]; subject: string }[] } = JSON.parse(await answer.text());
  return data;
}

const mailTo = async (recipient: string) => (await inbox()).filter(({ to }) => to.includes(recipient));

async function pending(): Promise<number> {
  return (await admin("/messages?status=pending")).data.length;
}

describe("mail over HTTP", () => {
  it("is in each inbox once, whatever the network does", { timeout: 240_000 }, async () => {
    const recipients: string[] = [];
    const newCustomer = async (): Promise<string> => {
      const id = `acme-${recipients.length}`;
      const email = `${id}@acme.example`;
      recipients.push(email);
      await admin("/customers", { id, name: "Acme", email });
      return id;
    };
    // One fault each, since each of these is a request of its own.
    for (const fault of ["hang", "429", "500", "drop before accepting", "drop after accepting"] as const) {
      faults.push(fault);
      const before = seen.length;
      const customer_id = await newCustomer();
      await admin("/licenses", { customer_id, license_type: "standard", send_email: true });
      for (let n = 0; n < 300 && seen.length === before; n++) await sleep(100);
    }
    // And one for all of these together.
    for (let n = 0; n < 4; n++) {
      const customer_id = await newCustomer();
      const expires_at = new Date(Date.now() + 7.5 * 86_400_000).toISOString();
      await admin("/licenses", { customer_id, license_type: "standard", expires_at });
    }
    faults.push("drop after accepting");
    await fire("0 3 * * *");
    await fire("0 3 * * *");
    const until = Date.now() + 200_000;
    while ((await pending()) > 0 && Date.now() < until) {
      await fire("*/10 * * * *");
      await sleep(1_000);
    }
    expect(await pending()).toBe(0);
    expect(seen.filter((fault) => fault !== "passed")).toHaveLength(6);
    for (const recipient of [...recipients, "ops@smarthaus.example"]) {
      expect(await mailTo(recipient), recipient).toHaveLength(1);
    }
  });

  it("brings a license to its customer", async () => {
    faults.length = 0;
    await admin("/customers", { id: "ada", name: "Ada", email: "ada@acme.example" });
    await admin("/licenses", { customer_id: "ada", license_type: "standard", send_email: true });
    for (let n = 0; n < 150 && (await mailTo("ada@acme.example")).length === 0; n++) await sleep(200);
    expect(await mailTo("ada@acme.example")).toHaveLength(1);
  });
});
