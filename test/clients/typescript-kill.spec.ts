// What a kill at any moment leaves of the TypeScript client's state folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { FileStorage } from "../../src/clients/typescript/src/node.ts";
import { bundled } from "./support/bundled.ts";
import { open, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const killed = await bundled("killed");

const signer = await createSigner("https://licenses.example");
const options = {
  issuer: "https://licenses.example",
  licenseKey: await signer.licenseKey("lic_1"),
  trustedKeys: signer.trustedKeys,
};

let folder: ReturnType<typeof stateFolder>;

afterAll(() => killed.remove());

beforeEach(() => {
  folder = stateFolder();
});

afterEach(() => folder.remove());

/**
 * Starts a process, kills it some time after it said a word ("open", or that something is "safe"), and says what it
 * told until then.
 */
async function lifeOf(
  until: "open" | "safe",
  milliseconds: number,
): Promise<{ opened: number; safe: number; errors: string[] }> {
  const child = spawn(process.execPath, [killed.path, folder.path, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const over = once(child, "close");
  const said = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (output.includes(`${until} `)) resolve();
    });
  });
  // Some are killed while they open it, or wait for the lock of one that was killed.
  await Promise.race([said, sleep(until === "open" ? 1_500 : 5_000)]);
  await sleep(milliseconds);
  child.kill("SIGKILL");
  await over;
  // Made with its text in it, at whatever moment its process was killed.
  const isWordless = statSync(join(folder.path, "lock.node"), { throwIfNoEntry: false })?.size === 0;
  const numbers = (word: string) =>
    [...output.matchAll(new RegExp(`^${word} (\\d+)\\n`, "gm"))].map(([, n]) => Number(n));
  return {
    opened: numbers("open")[0] ?? 0,
    safe: numbers("safe").at(-1) ?? 0,
    errors: [...(output.match(/^error .*$/gm) ?? []), ...(isWordless ? ["a lock without a word"] : [])],
  };
}

it(
  "two hundred kills of processes that share a folder lose nothing, and hold up nobody",
  { timeout: 600_000 },
  async () => {
    const lives: Awaited<ReturnType<typeof lifeOf>>[] = [];
    const safe = () => lives.reduce((sum, life) => sum + life.safe, 0);
    const lane = async (): Promise<void> => {
      // Every other one has kept something before its end, however busy the machine is.
      while (lives.length < 200) {
        lives.push(await lifeOf(lives.length % 2 === 0 ? "open" : "safe", Math.random() * 150));
      }
    };
    await Promise.all([lane(), lane()]);
    expect(lives.flatMap(({ errors }) => errors)).toEqual([]);
    expect(Math.max(...lives.map(({ opened }) => opened))).toBeLessThanOrEqual(2_000);
    expect(lives.filter((life) => life.safe > 0).length).toBeGreaterThan(50);

    const begun = performance.now();
    const license = await open({ ...options, storage: folder.storage });
    expect(performance.now() - begun).toBeLessThanOrEqual(2_000);
    expect(license.status()).toMatchObject({ licenseId: "lic_1" });
    const days = Object.values<Record<string, number>>(folder.state()["usage"]);
    const counted = days.reduce((sum, day) => sum + day["requests"]!, 0);
    // What is counted at one time is written at one time.
    expect(days.map((day) => day["sum:tokens"])).toEqual(days.map((day) => 10 * day["requests"]!));
    const most = Math.max(...lives.map((life) => life.safe));
    expect(Math.max(...days.map((day) => day["peak:gpus"]!))).toBeGreaterThanOrEqual(most);
    expect(Math.max(...days.map((day) => day["peak:gpus"]!))).toBeLessThanOrEqual(most + 1);
    // What was written and not told yet may be more.
    expect(counted).toBeGreaterThanOrEqual(safe());
    expect(counted).toBeLessThanOrEqual(safe() + lives.length + 1);
    expect(readdirSync(folder.path).toSorted()).toEqual(["instance_id", "kept.json", "state.json"]);
  },
);

it.each([
  ["of a process that is gone", () => gone("its number is nobody's")],
  [
    "of one that had this process's number, as in a container that starts again",
    () => gone("this one's number"),
  ],
  ["without a word, as one that was killed in between leaves it", () => ""],
  ["of a client of before", () => ""],
])("a lock %s holds nobody up for two seconds", async (_, text) => {
  writeFileSync(join(folder.path, "lock.node"), await text());
  writeFileSync(join(folder.path, ".state.json.5f0c1a52-3a5e-4f55-8a0c-0d3ff4d7c111"), options.licenseKey);
  const begun = performance.now();
  await open({ ...options, storage: folder.storage });
  expect(performance.now() - begun).toBeLessThanOrEqual(2_000);
  expect(readdirSync(folder.path).toSorted()).toEqual(["instance_id", "kept.json", "state.json"]);
});

it("a lock that a killed process was breaking is gone after the next start", async () => {
  const broken = join(folder.path, "lock.node.5f0c1a52-3a5e-4f55-8a0c-0d3ff4d7c111");
  writeFileSync(broken, await gone("its number is nobody's"));
  await open({ ...options, storage: folder.storage });
  expect(readdirSync(folder.path).toSorted()).toEqual(["instance_id", "kept.json", "state.json"]);
});

it("a broken lock of a process that lives stays, for it may be on its way back", async () => {
  const broken = join(folder.path, "lock.node.5f0c1a52-3a5e-4f55-8a0c-0d3ff4d7c111");
  await folder.storage.exclusively(async () => {
    writeFileSync(broken, readFileSync(join(folder.path, "lock.node"), "utf8"));
  });
  await open({ ...options, storage: new FileStorage(folder.path) });
  expect(readdirSync(folder.path)).toContain("lock.node.5f0c1a52-3a5e-4f55-8a0c-0d3ff4d7c111");
});

/** The lock that a process took, with another number. */
async function gone(whose: string): Promise<string> {
  const elsewhere = stateFolder();
  let text = "";
  await elsewhere.storage.exclusively(async () => {
    text = readFileSync(join(elsewhere.path, "lock.node"), "utf8");
  });
  elsewhere.remove();
  const other = whose === "this one's number" ? { started: "1" } : { pid: 2 ** 22 + 1 };
  return JSON.stringify({ ...JSON.parse(text), ...other, token: "another" });
}

it("a lock whose holder shows that it is there is waited for, whatever its age", async () => {
  const path = join(folder.path, "lock.node");
  writeFileSync(path, JSON.stringify({ where: "another machine", pid: 1, token: "t" }));
  const signs = setInterval(() => utimesSync(path, new Date(), new Date()), 200);
  let isIn = false;
  const work = new FileStorage(folder.path).exclusively(async () => {
    isIn = true;
  });
  await sleep(2_500);
  expect(isIn).toBe(false);
  clearInterval(signs);
  await work;
  expect(isIn).toBe(true);
});

/** A disk without links, as some of containers and of file servers are. */
const WITHOUT_LINKS = `data:text/javascript,
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  fs.promises.link = async () => { throw Object.assign(new Error("no links"), { code: "EPERM" }); };
  syncBuiltinESMExports();`;

it.each([
  ["", []],
  [" on a disk without links", ["--import", WITHOUT_LINKS]],
])("of several threads of a process each waits for the others%s", async (_, execArgv) => {
  const counter = join(import.meta.dirname, "support/counter.ts");
  const argv = [folder.path, JSON.stringify(options), "20"];
  const threads = [1, 2, 3].map(() => new Worker(counter, { argv, execArgv, stdout: true }));
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  const days = Object.values<Record<string, number>>(folder.state()["usage"]);
  const sum = (name: string): number => days.reduce((total, day) => total + day[name]!, 0);
  expect([sum("requests"), sum("sum:tokens")]).toEqual([60, 120]);
  expect(Math.max(...days.map((day) => day["peak:gpus"]!))).toBe(19);
  expect(readdirSync(folder.path).toSorted()).toEqual(["instance_id", "kept.json", "state.json"]);
});

it("what a process writes that stood still while its lock was taken over is not written", async () => {
  const path = join(folder.path, "lock.node");
  const failed = folder.storage.exclusively(async () => {
    await new FileStorage(folder.path).write("state.json", "by another");
    writeFileSync(path, JSON.stringify({ where: "another machine", pid: 1, token: "t" }));
    await folder.storage.write("state.json", "by one that stood still");
  });
  await expect(failed).rejects.toThrow(/took the lock over/);
  expect(readFileSync(join(folder.path, "state.json"), "utf8")).toBe("by another");
  expect(readFileSync(path, "utf8")).toContain("another machine");
});
