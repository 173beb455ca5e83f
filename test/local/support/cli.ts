// Runs caio-license as a person or a program does, with any home folder.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type RunningService } from "../../../src/dev/service.ts";
import { startBuilt } from "./built.ts";
import { caioLicense as inProcess } from "./caio-license.ts";
import { migrated } from "./migrated.ts";

export const LAUNCHER = join(import.meta.dirname, "../../../src/cli/caio-license.js");

export interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

interface Surroundings {
  env?: Record<string, string>;
  input?: string;
  /** Typed when the question appears, as a person does; stdin stays open. */
  typed?: { at: RegExp; text: string };
  cwd?: string;
}

export async function run(
  command: string,
  args: string[],
  { env = {}, input = "", typed, cwd }: Surroundings = {},
): Promise<Outcome> {
  const child = spawn(command, args, {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      ...env,
    },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
  // A command may refuse before it reads its input.
  child.stdin.on("error", () => {});
  if (typed) {
    const type = (): void => {
      if (!typed.at.test(out)) return;
      child.stdout.off("data", type);
      child.stdin.write(typed.text);
    };
    child.stdout.on("data", type);
  } else child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** Runs a command of caio-license to its end. */
export const caioLicense = (
  args: string[],
  { env = {}, input = "", cwd = process.cwd() }: Omit<Surroundings, "typed"> = {},
): Promise<Outcome> =>
  inProcess({ args, env: { PATH: process.env["PATH"]!, HOME: "/nonexistent", ...env }, input, cwd });

export interface Desk {
  service: RunningService;
  folder: string;
  /** The environment of somebody whose profiles are in `folder`. */
  env: Record<string, string>;
  /** Runs a command that has to succeed. @returns what it printed on stdout */
  ok(...args: string[]): Promise<string>;
  /** The same with --json. */
  json(...args: string[]): Promise<any>;
  cli(args: string[], surroundings?: Omit<Surroundings, "typed">): Promise<Outcome>;
  file(name: string): string;
  close(): Promise<void>;
}

/** A service on an empty database, and a folder for profiles and files. */
export async function openDesk(vars: string[] = []): Promise<Desk> {
  const folder = mkdtempSync(join(tmpdir(), "caio-license-test-"));
  const service = await startBuilt({
    port: await freePort(),
    ...migrated(join(folder, "state")),
    vars: ["RATE_LIMITS:off", ...vars],
  });
  const env = {
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_CACHE_HOME: join(tmpdir(), "caio-license-test-cache"),
  };
  const cli: Desk["cli"] = (args, { env: more = {}, ...others } = {}) =>
    caioLicense(args, { cwd: folder, ...others, env: { ...env, ...more } });
  const ok: Desk["ok"] = async (...args) => {
    const { code, out, err } = await cli(args);
    if (code !== 0) throw new Error(`caio-license ${args.join(" ")} ended with ${code}:\n${err}`);
    return out;
  };
  return {
    service,
    folder,
    env,
    cli,
    ok,
    json: async (...args) => JSON.parse(await ok(...args, "--json")) as unknown,
    file: (name) => join(folder, name),
    close: async () => {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Interference = (
  count: number,
  inbound: IncomingMessage,
  outbound: ServerResponse,
  /** Passes the request on to the service. Without a callback, the caller gets the answer. */
  pass: (answered?: (answer: IncomingMessage) => void) => void,
) => void;

/** An unreliable network between the command line and the service. */
export async function interfere(target: string, interference: Interference) {
  let count = 0;
  const server = createServer((inbound, outbound) => {
    count += 1;
    interference(count, inbound, outbound, (answered) => {
      const onward = request(`${target}${inbound.url}`, {
        method: inbound.method,
        headers: { ...inbound.headers, host: new URL(target).host },
      });
      onward.on("response", (answer) => {
        if (answered) return answered(answer);
        outbound.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outbound);
      });
      inbound.pipe(onward);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => count,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
