// A client with a clock that tests set and a service that says what tests say. Everything else is real.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FileStorage,
  type KeySet,
  License,
  type LicenseOptions,
} from "../../../src/clients/typescript/src/node.ts";
import type { ResolvedAnswer } from "../../support/conformance.ts";

export interface Scripted {
  fetch: NonNullable<LicenseOptions["fetch"]>;
  /** What comes next; an answer that nobody scripted fails the request. */
  answers: ResolvedAnswer[];
  published: KeySet | null;
  /** What was asked for, the published keys not counted. */
  requests: { path: string; body: Record<string, unknown> }[];
}

/** As Node says it of a host that does not resolve. */
const unreachable = (): Error =>
  new TypeError("fetch failed", {
    cause: Object.assign(new Error("getaddrinfo ENOTFOUND licenses.example"), { code: "ENOTFOUND" }),
  });

export function scripted(published: KeySet | null = null): Scripted {
  const script: Scripted = {
    answers: [],
    published,
    requests: [],
    async fetch(url, init) {
      const { pathname } = new URL(url);
      if (pathname === "/.well-known/jwks.json") {
        if (!script.published) throw unreachable();
        return Response.json(script.published);
      }
      script.requests.push({ path: pathname, body: JSON.parse(init.body as string) });
      const answer = script.answers.shift();
      if (answer === undefined || answer === "unreachable") throw unreachable();
      const { status, headers, body } = answer;
      return new Response(status === 204 ? null : body, { status, headers });
    },
  };
  return script;
}

/** A state folder of its own. */
export function stateFolder() {
  const path = mkdtempSync(join(tmpdir(), "caio-license-test-"));
  return {
    path,
    storage: new FileStorage(path),
    state: () => JSON.parse(readFileSync(join(path, "state.json"), "utf8")) as Record<string, any>,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const open = (options: LicenseOptions): Promise<License> =>
  License.open({ url: "https://licenses.example", ...options });
