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
import { migrated } from "./migrated.ts";

export const LAUNCHER = join(import.meta.dirname, "../../../src/cli/caio-license.js");

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).href;

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
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
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

/**
 * Runs commands, one after the other, and says last how each ended: what starts a process is most of what a short command
 * takes. The program's main module is loaded anew for each.
 */
const SEVERAL = `
import { enableCompileCache } from "node:module";
enableCompileCache(process.env.XDG_CACHE_HOME + "/caio-license");
const [, main, commands] = process.argv;
// Commander reads the arguments of -e otherwise.
process.execArgv = [];
const codes = [];
for (const command of JSON.parse(commands)) {
  process.argv = [process.execPath, main, ...command];
  process.exitCode = 0;
  await import(main + "?" + codes.length);
  codes.push(process.exitCode);
}
process.exitCode = 0;
console.error(JSON.stringify(codes));
`;

export interface Desk {
  service: RunningService;
  folder: string;
  /** The environment of somebody whose profiles are in `folder`. */
  env: Record<string, string>;
  /** Runs a command that has to succeed. @returns what it printed on stdout */
  ok(...args: string[]): Promise<string>;
  /** The same with --json. */
  json(...args: string[]): Promise<any>;
  cli(args: string[], surroundings?: Surroundings): Promise<Outcome>;
  /** Runs commands in one process, for tests that are about how they end. @returns their exit codes */
  codes(...commands: string[][]): Promise<number[]>;
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
    run(process.execPath, [LAUNCHER, ...args], { cwd: folder, ...others, env: { ...env, ...more } });
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
    codes: async (...commands) => {
      const args = ["--input-type=module", "-e", SEVERAL, MAIN, JSON.stringify(commands)];
      const { code, err } = await run(process.execPath, args, { cwd: folder, env });
      if (code !== 0) throw new Error(`the commands ended with ${code}:\n${err}`);
      return JSON.parse(err.trimEnd().split("\n").at(-1)!) as number[];
    },
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
