// Everything that the parts of a license share, created once.
import { ConfirmedTime } from "./clocks.ts";
import type { Contacts } from "./contacts.ts";
import { builtAtOf } from "./coverage.ts";
import { claimOf } from "./documents.ts";
import { inDrill } from "./drill-requests.ts";
import { Evidence } from "./evidence.ts";
import type { LicenseOptions } from "./options.ts";
import { KEPT, parseState, STATE } from "./state.ts";
import type { Storage } from "./storage.ts";
import { Store } from "./store.ts";
import { cleanId, isBlank, isInstanceId } from "./texts.ts";
import { createTransport } from "./transport.ts";
import { LicenseError } from "./vocabulary.ts";

const DEFAULT_TIMEOUT = 10_000;

/** @throws TypeError, RangeError if an option is invalid */
export async function prepare(options: LicenseOptions): Promise<Contacts> {
  const { url, clock = Date.now, random = Math.random, timeout = DEFAULT_TIMEOUT } = options;
  check(options);
  // A wrapper: workerd refuses a fetch that is called on anything but the global object.
  const fetcher = inDrill(options, clock, options.fetch ?? ((input, init) => fetch(input, init)));
  const transport = isBlank(url) ? null : createTransport(url!, fetcher, timeout);
  const tell = options.onError ?? warn;
  // If the caller's handler throws, at once or later, that must not end the program.
  const report = (error: unknown): void => void (async () => tell(error))().catch(() => undefined);
  const store = new Store(options.storage, report);
  const started = new Date(clock()).toISOString();
  const unasked = transport?.fault ? { at: started, reason: transport.fault } : null;
  if (unasked)
    report(new LicenseError("SERVICE_UNAVAILABLE", `The license service is not asked: ${unasked.reason}.`));
  const evidence = new Evidence(options, await instanceOf(options, store, report), transport, unasked);
  // A caller who passes a clock is responsible for it; otherwise a changed wall clock moves no deadline.
  const time = new ConfirmedTime(clock, options.monotonic ?? options.clock ?? (() => performance.now()));
  store.watch({
    async changed(state, isKept) {
      time.follow(state);
      await evidence.read(state, isKept);
    },
    stamp: (state) => evidence.note(time.stamp(state)),
    isStampDue: (state) => time.isDue(state) || evidence.note(state) !== state,
  });
  return { options, store, evidence, time, report, transport, timeout, clock, random };
}

function check({ instanceId, leaseHours, indeterminateDays, builtAt }: LicenseOptions): void {
  if (builtAt !== undefined && builtAtOf(builtAt) === null)
    throw new RangeError("builtAt is an RFC 3339 instant or a date.");
  if (instanceId !== undefined && !isInstanceId(cleanId(instanceId)))
    throw new TypeError("An instance id has 1 to 128 printable characters.");
  if (leaseHours !== undefined && !isLeaseHours(leaseHours))
    throw new RangeError("leaseHours is a whole number from 1 to 8760.");
  if (indeterminateDays != null && !(indeterminateDays >= 0 && indeterminateDays <= 36_500))
    throw new RangeError("indeterminateDays is a number of days, or null.");
}

export const isLeaseHours = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= 8760;

/** The id of the storage; if the storage cannot keep one, an id of this process. */
async function instanceOf(
  { storage, instanceId }: LicenseOptions,
  store: Store,
  report: (error: unknown) => void,
): Promise<string> {
  const configured = instanceId === undefined ? null : cleanId(instanceId);
  let made: string | null = null;
  const make = async (): Promise<string> =>
    (made ??= (await rememberedId(storage)) ?? configured ?? crypto.randomUUID());
  try {
    return cleanId(await store.readOrMake("instance_id", make, (text) => isInstanceId(cleanId(text))));
  } catch (error) {
    report(error);
    return make().catch(() => configured ?? crypto.randomUUID());
  }
}

/** The certificate remembers a lost id: under another id the installation would take another seat. */
async function rememberedId(storage: Storage): Promise<string | null> {
  for (const name of [STATE, KEPT]) {
    const text = await storage.read(name).catch(() => null);
    const id = claimOf(parseState(text ?? "")?.certificate ?? "", "sub");
    if (id !== null) return id;
  }
  return null;
}

function warn(error: unknown): void {
  // oxlint-disable-next-line no-console -- an operator must read it if the application has no handler
  console.warn(`caio-licensing: ${error instanceof Error ? error.message : String(error)}`);
}
