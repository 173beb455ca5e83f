// Webhooks over real HTTP, from the real service: the receivers of docs/webhooks.md, the commands about webhook endpoints
// and events, and what can be shown of TLS on one machine.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../src/dev/service.ts";
import { type Desk, LAUNCHER, openDesk } from "./support/cli.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = readFileSync(join(ROOT, "docs/webhooks.md"), "utf8");

let desk: Desk;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeAll(async () => {
  desk = await openDesk();
  await desk.cli(["login", "--url", desk.service.url, "--token-stdin"], { input: `${desk.service.token}\n` });
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await desk.close();
});

/** A process, and the lines that it has printed. */
function started(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  return { child, lines: () => said.split("\n").filter((line) => line !== "") };
}

const newCustomer = (id: string): Promise<string> =>
  desk.ok("customers", "create", "--id", id, "--name", "Acme");

/** Adds an endpoint, which is paused. @returns its id and its secret */
async function added(url: string): Promise<{ id: string; secret: string }> {
  const { webhook_endpoint, secret } = await desk.json(
    "webhook-endpoints",
    "create",
    url,
    "--events",
    "customer.created",
    "--no-active",
  );
  expect(webhook_endpoint).toMatchObject({ active: false, state: "paused" });
  return { id: webhook_endpoint.id, secret };
}

const receiverOf = (language: string): string =>
  new RegExp(`^\`\`\`${language} receiver\n([\\s\\S]*?)^\`\`\``, "m").exec(PAGE)![1]!;

/** A request that ends in the middle of its body. */
const cutOff = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf", () => {
        socket.destroy();
        resolve();
      });
    }).on("error", reject);
  });

const statusOf = async (url: string, timestamp: string, signature: string): Promise<number> => {
  const headers = { "webhook-id": "1", "webhook-timestamp": timestamp, "webhook-signature": signature };
  return (await fetch(url, { method: "POST", body: "{}", headers })).status;
};

const test = async (id: string) => desk.json("webhook-endpoints", "test", id);

describe("a receiver of docs/webhooks.md", () => {
  it.each([
    ["ts", "receiver.mts", process.execPath],
    ["python", "receiver.py", "/usr/bin/python3"],
  ])("in %s takes what the service signed, once, and nothing else", async (language, file, program) => {
    const path = desk.file(file);
    writeFileSync(path, receiverOf(language));
    if (language === "ts") symlinkSync(join(ROOT, "node_modules"), desk.file("node_modules"));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const { id, secret } = await added(url);
    const { lines } = started(program, [path], { WEBHOOK_SECRET: secret, PORT: String(port) });
    await expect
      .poll(() =>
        fetch(url, { method: "POST" }).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(401);

    // What nobody signed does not end it, however odd it is.
    await cutOff(port);
    const now = String(Math.floor(Date.now() / 1_000));
    for (const [timestamp, signature] of [
      [now, "v1,é"],
      ["²", "v1,x"],
      ["9".repeat(5_000), "v1,x"],
    ])
      expect(await statusOf(url, timestamp!, signature!)).toBe(401);

    const sent = await test(id);
    expect(sent).toMatchObject({ delivered: true, status: 204, type: "webhook_endpoint.tested" });
    await desk.ok("webhook-endpoints", "update", id, "--active");
    await newCustomer(`${language}-1`);
    await newCustomer(`${language}-2`);
    await expect.poll(lines).toHaveLength(3);
    const deliveries = (await desk.json("webhook-endpoints", "deliveries", id)).data;
    const [second, first] = deliveries.map(({ event_id }: { event_id: number }) => event_id);
    expect(lines()).toEqual([
      `${sent.event_id} webhook_endpoint.tested`,
      `${first} customer.created`,
      `${second} customer.created`,
    ]);

    // Sent again: taken, and known.
    await desk.ok("webhook-endpoints", "replay", id, "--from-event", String(first));
    await expect
      .poll(async () => (await desk.json("webhook-endpoints", "deliveries", id)).data.length)
      .toBeGreaterThanOrEqual(5);
    expect(lines()).toHaveLength(3);

    // With the new secret alone the receiver would refuse; for a day it need not know it, nor the one after that.
    for (let n = 0; n < 2; n++) {
      await desk.ok("webhook-endpoints", "rotate-secret", id, "--yes");
      expect(await test(id)).toMatchObject({ delivered: true });
    }
    await desk.ok("webhook-endpoints", "delete", id, "--yes");
  });
});

describe("over a real connection", () => {
  async function against(listener: RequestListener) {
    const server = createServer(listener).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const { id } = await added(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
    return test(id);
  }

  it("a redirect is not followed", async () => {
    let asked = 0;
    const delivery = await against((request, response) => {
      asked += 1;
      response.writeHead(307, { Location: `http://${request.headers.host}/elsewhere` }).end();
    });
    expect(delivery).toMatchObject({ delivered: false, status: 307 });
    expect(asked).toBe(1);
  });

  it("an answer of 2 MB is cut off", async () => {
    const delivery = await against((_, response) => response.writeHead(200).end("x".repeat(2_000_000)));
    expect(delivery).toMatchObject({ delivered: true, answer: "x".repeat(200) });
  });

  it("a receiver that drips is not waited for", async () => {
    const delivery = await against((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write("d"), 200);
      response.on("close", () => clearInterval(drip));
    });
    expect(delivery).toMatchObject({ delivered: true });
    expect(delivery.answer).toMatch(/^d+$/);
    expect(delivery.ms).toBeLessThan(4_000);
  });

  it("nobody who listens, and a certificate that nobody vouches for, are told to staff", async () => {
    const { id } = await added(`http://127.0.0.1:${await freePort()}/`);
    expect(await test(id)).toMatchObject({
      delivered: false,
      status: null,
      error: expect.stringMatching(/^It could not be reached: ./),
    });
    const [key, cert] = [desk.file("key.pem"), desk.file("cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        key,
        "-out",
        cert,
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ],
      { stdio: "ignore" },
    );
    let asked = 0;
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      asked += 1;
      response.end();
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const stranger = await added(`https://127.0.0.1:${(server.address() as { port: number }).port}/`);
    expect(await test(stranger.id)).toMatchObject({ delivered: false, status: null });
    expect(asked).toBe(0);
  });
});

describe("caio-license events", () => {
  it("lists by type and time, also without the word list", async () => {
    await newCustomer("listed");
    const shown = await desk.json(
      "events",
      "list",
      "--type",
      "customer.*",
      "--since",
      "2026-01-01",
      "--limit",
      "1",
    );
    expect(shown).toMatchObject([{ action: "customer.created", entity: { id: "listed" } }]);
    expect(await desk.json("events", "--entity", "listed")).toHaveLength(1);
    expect(await desk.json("events", "--action", "customer.created", "--limit", "1")).toEqual(shown);
    expect((await desk.cli(["events", "list", "--type", "license.revoked"])).err).toContain("No events.");
  });

  it("tails: the last ones, and then each as it happens, in its order", async () => {
    await newCustomer("before");
    await desk.ok("types", "list");
    const { lines, child } = started(
      process.execPath,
      [LAUNCHER, "events", "tail", "--type", "customer.created", "--lines", "1", "--interval", "1", "--json"],
      desk.env,
    );
    await expect.poll(lines).toHaveLength(1);
    await newCustomer("during-1");
    await newCustomer("during-2");
    await expect.poll(lines).toHaveLength(3);
    const ids = lines().map((line) => (JSON.parse(line) as { entity: { id: string } }).entity.id);
    expect(ids).toEqual(["before", "during-1", "during-2"]);
    child.kill("SIGINT");
    await once(child, "close");
  });
});

describe("caio-license webhook-endpoints", () => {
  it("shows a secret once, in a file if asked, and never with a dry run", async () => {
    const dry = await desk.ok("webhook-endpoints", "create", "https://hooks.acme.example/", "--dry-run");
    expect(dry).toContain('"events"');
    const out = desk.file("secret.txt");
    const made = await desk.cli([
      "webhook-endpoints",
      "create",
      "https://hooks.acme.example/",
      "--events",
      "job.failed",
      "--output",
      out,
    ]);
    expect([made.code, made.out]).toEqual([0, ""]);
    expect(readFileSync(out, "utf8")).toMatch(/^whsec_\S+\s*$/);
    const list = await desk.ok("webhook-endpoints", "list");
    expect(list).toContain("hooks.acme.example");
    expect(list).not.toContain("whsec_");
    const refused = await desk.cli(["webhook-endpoints", "create", "https://10.0.0.1/"]);
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining("IP address")]);
  });
});
