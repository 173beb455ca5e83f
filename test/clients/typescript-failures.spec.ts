// What an operator is told where the service cannot be reached: the cause, in words, and never the key's fault.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { License, LicenseError, MemoryStorage } from "../../src/clients/typescript/src/node.ts";
import { createSigner } from "./support/signer.ts";

const CLIENT = join(import.meta.dirname, "../../src/clients/typescript/src/node.ts");
const run = promisify(execFile);
const issuer = "https://licenses.example";

const signer = await createSigner(issuer);
const licenseKey = await signer.licenseKey("lic_1");

const servers: Server[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-license-failures-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const args =
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
  execFileSync("openssl", [...args.split(" "), "-keyout", key, "-out", certificate], { stdio: "ignore" });
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "localhost");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const nothingListens = async (): Promise<number> => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, "close");
  return port;
};

const CAUSES: [string, () => Promise<string>, RegExp][] = [
  [
    "a certificate that signed itself",
    async () => {
      const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
      return `https://localhost:${await listening(createTlsServer({ key, cert }))}`;
    },
    /^certificate verify failed: self-signed certificate$/,
  ],
  [
    "a service that speaks no TLS",
    async () => `https://localhost:${await listening(createServer())}`,
    /^no TLS connection: [A-Z_]+$/,
  ],
  ["a host that there is not", async () => "http://no-such-host.invalid", /^no such host$/],
  [
    "a port that nobody listens on",
    async () => `http://localhost:${await nothingListens()}`,
    /^connection refused$/,
  ],
  [
    "a service that says nothing",
    async () => `http://localhost:${await listening(createServer(() => undefined))}`,
    /^no answer in time$/,
  ],
  [
    "a proxy that answers in the service's place",
    async () => {
      const proxy = createServer((_, response) => response.writeHead(407).end("Who are you?"));
      return `http://localhost:${await listening(proxy)}`;
    },
    /^proxy answered 407$/,
  ],
];

describe.each(CAUSES)("%s", (_, where, reason) => {
  it("is told as the cause, as a warning, and is not the key's fault", async () => {
    const errors: unknown[] = [];
    const url = await where();
    const begun = Date.now();
    const license = await License.open({
      url,
      issuer,
      licenseKey,
      storage: new MemoryStorage(),
      timeout: 1_000,
      onError: (error) => errors.push(error),
    });
    const { code, detail, lastFailure, mayRun } = await license.checkIn();
    expect(code).toBe("SIGNING_KEY_UNKNOWN");
    expect(mayRun).toBe(true);
    expect(lastFailure!.reason).toMatch(reason);
    expect(Date.parse(lastFailure!.at)).toBeGreaterThanOrEqual(begun);
    expect(detail).toContain(lastFailure!.reason);
    expect(detail).not.toMatch(/altered|not issued|out of date/);
    // The time-outs of the request and of the call as a whole end together, and either may be first.
    await expect.poll(() => errors).toEqual([expect.objectContaining({ code: "SERVICE_UNAVAILABLE" })]);
    expect(errors[0]).toBeInstanceOf(LicenseError);
    expect((errors[0] as Error).message).toContain(lastFailure!.reason);
  });
});

describe("a program that listens to no errors", () => {
  const script = `
    import { NodeLicense } from ${JSON.stringify(pathToFileURL(CLIENT).href)};
    const license = await NodeLicense.open({ background: false });
    process.stdout.write((await license.checkIn()).lastFailure.reason);`;

  const checkIn = (env: object) =>
    run(process.execPath, ["--input-type=module", "-e", script], {
      env: { CAIO_LICENSE_KEY: licenseKey, CAIO_LICENSE_DIR: mkdtempSync(join(folder, "state-")), ...env },
    });

  it("has the cause on the console", async () => {
    const { stdout, stderr } = await checkIn({
      CAIO_LICENSE_URL: `http://localhost:${await nothingListens()}`,
    });
    expect(stdout).toBe("connection refused");
    expect(stderr).toBe("caio-licensing: The license service was not reached: connection refused\n");
  });

  it("has the cause where the proxy is dead, or wants to know who it is", async () => {
    const proxied = (port: number, scheme = "https") => ({
      CAIO_LICENSE_URL: `${scheme}://licenses.example`,
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: `http://localhost:${port}`,
      HTTPS_PROXY: `http://localhost:${port}`,
    });
    expect((await checkIn(proxied(await nothingListens()))).stdout).toBe("connection refused");
    const proxy = createServer();
    proxy.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
    const port = await listening(proxy);
    expect((await checkIn(proxied(port))).stdout).toBe("proxy answered 407");
    expect((await checkIn(proxied(port, "http"))).stdout).toBe("proxy answered 407");
  });
});

describe("activating with another key", () => {
  it("waits no longer than the timeout in all, while the service is silent, and the key waits", async () => {
    const port = await listening(createServer(() => undefined));
    const license = await License.open({
      url: `http://localhost:${port}`,
      issuer,
      storage: new MemoryStorage(),
      trustedKeys: signer.trustedKeys,
      licenseKey,
      timeout: 500,
      onError: () => undefined,
    });
    // Another contact is under way, which would be waited for as well.
    const other = license.checkIn();
    const begun = performance.now();
    const status = await license.activate(await signer.licenseKey("lic_2"));
    expect(performance.now() - begun).toBeLessThan(800);
    expect(status).toMatchObject({
      licenseId: "lic_1",
      mayRun: true,
      candidate: { licenseId: "lic_2", state: "pending" },
    });
    await other;
  });
});
