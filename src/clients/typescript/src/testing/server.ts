// The drill's service over HTTP, on the machine's own loopback address alone.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseObject } from "../documents.ts";
import { DRILL_HEADER, DRILL_ISSUER } from "../drill.ts";
import type { Desk } from "./desk.ts";
import { Problem } from "./problems.ts";
import { bodyOf } from "./requests.ts";
import type { Ring } from "./ring.ts";

/**
 * How the service can fail: `down`: connections break; `error`: it answers 503; `silent`: it never answers; `page`: a
 * portal's page with status 200 comes in its place.
 */
export type Outage = "down" | "error" | "silent" | "page";

/** A request of an installation, as the drill saw it. */
export interface Heard {
  method: string;
  path: string;
  body: Record<string, unknown>;
  /** The clock of the installation, if it knows that this is a drill; else null. */
  drillClock: string | null;
  /** What it was answered; null during an outage. */
  status: number | null;
  code: string | null;
}

const MAX_BODY = 64 * 1024;

export class DrillServer {
  readonly heard: Heard[] = [];
  outage: Outage | null = null;
  readonly #desk: Desk;
  readonly #ring: Ring;
  readonly #server: Server;

  constructor(desk: Desk, ring: Ring) {
    this.#desk = desk;
    this.#ring = ring;
    this.#server = createServer((request, response) => {
      // Whoever hangs up gets no answer.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /** @returns the address */
  async listen(port: number): Promise<string> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const text = await textOf(request);
    const path = url.split("?")[0]!;
    const clock = headers[DRILL_HEADER.toLowerCase()];
    const heard: Heard = {
      method,
      path,
      body: parseObject(text) ?? {},
      drillClock: typeof clock === "string" ? clock : null,
      status: null,
      code: null,
    };
    this.heard.push(heard);
    const { outage } = this;
    if (outage === "silent") return;
    if (outage === "down") return void request.socket.destroy();
    if (outage === "page") {
      return void response
        .writeHead(200, { "Content-Type": "text/html" })
        .end("<h1>Welcome to the network</h1>");
    }
    try {
      if (outage === "error") throw new Problem("SERVICE_UNAVAILABLE", undefined, {}, { "Retry-After": "5" });
      heard.status = await this.#answer(method, path, text, headers["content-type"] ?? "", response);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (outage === null) Object.assign(heard, { status: error.status, code: error.code });
      response
        .writeHead(error.status, { ...STRICT, ...error.headers, "Content-Type": "application/problem+json" })
        .end(error.document(DRILL_ISSUER));
    }
  }

  async #answer(
    method: string,
    path: string,
    text: string,
    type: string,
    response: ServerResponse,
  ): Promise<number> {
    const calls = new Map<string, (body: Record<string, unknown>) => Promise<object | null>>([
      ["/v1/activate", this.#desk.activate],
      ["/v1/check-in", this.#desk.checkIn],
      ["/v1/validate", this.#desk.validate],
      ["/v1/deactivate", this.#desk.deactivate],
    ]);
    const call = calls.get(path);
    if (call) {
      assertMethod(method, ["POST"]);
      if (Buffer.byteLength(text) > MAX_BODY)
        throw new Problem("PAYLOAD_TOO_LARGE", `A request body may have at most ${MAX_BODY} bytes.`);
      const answer = await call(bodyOf(text, type));
      if (answer === null) response.writeHead(204, STRICT).end();
      else response.writeHead(200, { ...STRICT, ...JSON_TYPE }).end(JSON.stringify(answer));
      return answer === null ? 204 : 200;
    }
    const open = { "Cache-Control": "public, max-age=60" };
    if (path === "/.well-known/jwks.json") {
      assertMethod(method, ["GET", "HEAD"]);
      response
        .writeHead(200, { ...open, "Content-Type": "application/jwk-set+json" })
        .end(JSON.stringify(this.#ring.published));
      return 200;
    }
    if (path === "/v1/revocations") {
      assertMethod(method, ["GET", "HEAD"]);
      response
        .writeHead(200, { ...open, "Content-Type": "application/jwt" })
        .end(await this.#desk.revocations());
      return 200;
    }
    throw new Problem("NOT_FOUND");
  }
}

const STRICT = { "Cache-Control": "no-store" };
const JSON_TYPE = { "Content-Type": "application/json" };

function assertMethod(method: string, allowed: string[]): void {
  if (allowed.includes(method)) return;
  throw new Problem(
    "METHOD_NOT_ALLOWED",
    `${method} is not allowed here.`,
    {},
    { Allow: allowed.join(", ") },
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
