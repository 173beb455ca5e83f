// The Workers of the bench in one workerd, on one database: the service as it is deployed, the same with a
// meter, and the floor. Each has a socket of its own: no proxy of the tools stands before it.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundle, type Bundle, modulesIn, write } from "../../src/dev/bundle/bundle.ts";
import { generateKeys } from "../../src/dev/keys.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Git-ignored, and under the working directory: workerd takes no script from elsewhere. */
export const SCRATCH = join(ROOT, ".wrangler/bench");

export const ISSUER = "http://localhost:8787";

export const ENTRIES = {
  app: "src/worker.ts",
  metered: "test/bench/workers/metered.ts",
  floor: "test/bench/workers/floor.ts",
};

type WorkerName = keyof typeof ENTRIES;

const folderFor = (name: string): string => `.wrangler/bench/${name}`;

/** Bundles the Workers as they are deployed. @returns the service */
export async function bundleAll(): Promise<Bundle> {
  const made = await Promise.all(
    Object.entries(ENTRIES).map(([name, entry]) => bundle(entry, folderFor(name))),
  );
  made.forEach(write);
  return made[0]!;
}

export interface Secrets {
  SIGNING_KEYS: string;
  SESSION_SECRET: string;
  ADMIN_TOKEN: string;
}

export const newSecrets = async (): Promise<Secrets> => ({
  SIGNING_KEYS: await generateKeys(),
  SESSION_SECRET: randomBytes(32).toString("base64url"),
  ADMIN_TOKEN: `caio_${randomBytes(24).toString("base64url")}`,
});

export interface House {
  miniflare: Miniflare;
  secrets: Secrets;
  db: Awaited<ReturnType<Miniflare["getD1Database"]>>;
  ports: Record<WorkerName, number>;
  /** The process id of workerd. */
  pid: number;
}

const DATABASE = "00000000-0000-0000-0000-000000000000";

const folderOf = (database: string): string => join(SCRATCH, "d1", database);

/** Runs the Workers on the database of this name; it is empty where it is not there yet. */
export async function openHouse(database: string, secrets: Secrets): Promise<House> {
  const before = new Set(children());
  const names = Object.keys(ENTRIES) as WorkerName[];
  const limit = { simple: { limit: 1_000_000, period: 60 as const } };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Requests are logged as they are when deployed; nobody reads the lines.
      handleStructuredLogs: () => undefined,
      resourcePersistencePath: folderOf(database),
      workers: names.map((name) => ({
        name,
        modules: modulesIn(folderFor(name), `${basename(ENTRIES[name], ".ts")}.mjs`),
        compatibilityDate: "2026-11-01",
        d1Databases: { DB: DATABASE },
        ratelimits: {
          REFUSED_CREDENTIALS_LIMIT: { namespace_id: "1001", ...limit },
          LICENSE_LIMIT: { namespace_id: "1002", ...limit },
          SIGN_IN_LIMIT: { namespace_id: "1003", ...limit },
        },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        bindings: {
          ISSUER,
          PRODUCT_NAME: "CAIO",
          // Sixteen callers of a bench are no abuse; the brake itself is a binding and costs no D1.
          RATE_LIMITS: "off",
          MAIL_FROM: "CAIO Licensing <licensing@smarthaus.example>",
          ADMIN_EMAILS: "staff@smarthaus.example",
          ...secrets,
        },
      })),
    }),
  );
  await miniflare.ready;
  const ports = {} as House["ports"];
  for (const name of names) ports[name] = Number((await miniflare.unsafeGetDirectURL(name)).port);
  const pid = children().find((child) => !before.has(child)) ?? 0;
  return { miniflare, secrets, db: await miniflare.getD1Database("DB", "app"), ports, pid };
}

/** The file of the database, once it is closed. */
export function fileOf(database: string): string {
  const folder = folderOf(database);
  const file = readdirSync(folder, { recursive: true })
    .map(String)
    .find((path) => path.endsWith(".sqlite") && !path.endsWith("metadata.sqlite"));
  if (file === undefined) throw new Error(`There is no database in ${folder}.`);
  return join(folder, file);
}

export function dropDatabase(database: string): void {
  rmSync(folderOf(database), { recursive: true, force: true });
  mkdirSync(folderOf(database), { recursive: true });
}

/** The workerd processes that this one started; none where the system has no /proc. */
function children(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => statOf(Number(name)))
      .filter((stat) => stat !== null && stat.parent === process.pid && stat.name.startsWith("workerd"))
      .map((stat) => stat!.pid);
  } catch {
    return [];
  }
}

function statOf(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = text.lastIndexOf(")");
    const fields = text.slice(end + 2).split(" ");
    return {
      pid,
      name: text.slice(text.indexOf("(") + 1, end),
      parent: Number(fields[1]),
    };
  } catch {
    return null;
  }
}

/** The CPU seconds that a process has used, all its threads; not a number where the system does not tell. */
export function cpuSecondsOf(pid: number): number {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.reduce((sum, task) => sum + nanosecondsOf(`/proc/${pid}/task/${task}`), 0) / 1e9;
  } catch {
    return Number.NaN;
  }
}

/** Linux counts a thread's time on a CPU in nanoseconds: first figure of schedstat. */
const nanosecondsOf = (task: string): number =>
  Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]);
