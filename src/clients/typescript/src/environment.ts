// The configuration of a Node program: options first, then the environment.
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { builtAtOf } from "./coverage.ts";
import { inTime, readBytes } from "./disk.ts";
import { type KeySet, parseObject, readKeySet } from "./documents.ts";
import { isDrill, mayMoveClock } from "./drill.ts";
import { drillClock } from "./drill-clock.ts";
import type { LicenseOptions } from "./options.ts";
import { isLeaseHours } from "./prepare.ts";
import { addressesOf, cleanId, cleanKey, decodeText, isBlank, isInstanceId } from "./texts.ts";

/** An option that is left out comes from the environment variable that it names. */
export interface NodeLicenseOptions extends Omit<LicenseOptions, "storage"> {
  /** CAIO_LICENSE_DIR, else ~/.local/state/caio-license. */
  folder?: string | undefined;
  /** CAIO_LICENSE_KEY_FILE: a file with the license key, read at the start and every ten seconds. */
  licenseKeyFile?: string | undefined;
  /** CAIO_LICENSE_RELEASE=1: the orderly end of the last process on the folder, SIGTERM included, frees the seat. */
  release?: boolean | undefined;
  /** False: nothing happens in the background. */
  background?: boolean | undefined;
}

interface Configured extends Omit<NodeLicenseOptions, "folder" | "release" | "licenseKeyFile"> {
  folder: string;
  release: boolean;
  licenseKeyFile: string | null;
  /** Whether a drill moves the clock. */
  isLapse: boolean;
  /** What an operator should read about it. */
  said: Error[];
}

export async function fromEnvironment(options: NodeLicenseOptions): Promise<Configured> {
  const hours = fromEnv("CAIO_LICENSE_LEASE_HOURS");
  const isHours = hours === undefined || (/^\d+$/.test(hours.trim()) && isLeaseHours(Number(hours)));
  const { leaseHours, release, licenseKeyFile } = options;
  const built = fromEnv("CAIO_BUILT_AT");
  const isBuilt = built === undefined || builtAtOf(built) !== null;
  const id = fromEnv("CAIO_LICENSE_INSTANCE_ID");
  const isId = id === undefined || isBlank(id) || isInstanceId(cleanId(id));
  const pinned = options.trustedKeys ?? (await pinnedKeys(fromEnv("CAIO_LICENSE_KEYS")));
  const given = [options.licenseKey, process.env["CAIO_LICENSE_KEY"]].filter(
    (key) => typeof key === "string",
  );
  const licenseKey = given.find((key) => cleanKey(key) !== "");
  const issuer = options.issuer || fromEnv("CAIO_LICENSE_ISSUER");
  const url = options.url || fromEnv("CAIO_LICENSE_URL");
  const drill = drillOf(options, issuer ?? url, pinned instanceof Error ? undefined : pinned);
  const file = licenseKeyFile || fromEnv("CAIO_LICENSE_KEY_FILE");
  return {
    ...options,
    folder: join(
      options.folder || fromEnv("CAIO_LICENSE_DIR") || join(home(), ".local", "state", "caio-license"),
      drill.folder,
    ),
    clock: drill.clock,
    isLapse: drill.isLapse,
    url,
    issuer,
    // A blank one is told apart from none: it takes back what was configured and refused before.
    licenseKey: licenseKey ?? (file ? undefined : given.find((key) => key !== "")),
    licenseKeyFile: licenseKey === undefined && file ? file : null,
    instanceId: options.instanceId || (isId ? id : undefined),
    leaseHours: leaseHours ?? (hours !== undefined && isHours ? Number(hours) : undefined),
    builtAt: options.builtAt ?? (isBuilt ? built : undefined),
    release:
      release ?? ["1", "true"].includes((process.env["CAIO_LICENSE_RELEASE"] ?? "").trim().toLowerCase()),
    trustedKeys: pinned instanceof Error ? undefined : pinned,
    // A typing error, or a file that was not mounted, is no reason to stop.
    said: [
      ...drill.said,
      ...(isId
        ? []
        : [
            new Error(
              "CAIO_LICENSE_INSTANCE_ID is passed over: an instance id has 1 to 128 printable characters.",
            ),
          ]),
      ...(pinned instanceof Error
        ? [new Error(`CAIO_LICENSE_KEYS is passed over, no keys are pinned: ${pinned.message}`)]
        : []),
      ...(isHours
        ? []
        : [new Error("CAIO_LICENSE_LEASE_HOURS is no whole number from 1 to 8760 and is passed over.")]),
      ...(isBuilt ? [] : [new Error("CAIO_BUILT_AT is no RFC 3339 instant or date and is passed over.")]),
    ],
  };
}

/** What a drill changes: its state is kept apart, and its clock can be moved. */
function drillOf({ clock }: NodeLicenseOptions, issuer: string | undefined, pinned: KeySet | undefined) {
  const issuers = addressesOf(issuer ?? "");
  const told = fromEnv("CAIO_LICENSE_CLOCK")?.trim();
  const moved = told !== undefined && !clock && mayMoveClock(issuers, pinned) ? drillClock(told) : null;
  const said: Error[] = [];
  if (isDrill(issuers))
    said.push(new Error(`DRILL: the license comes from a drill${moved ? ", which moves the clock" : ""}.`));
  if (told !== undefined && !moved)
    said.push(
      new Error("CAIO_LICENSE_CLOCK is passed over: it takes +40d, an instant or a file, in a drill alone."),
    );
  const folder = isDrill(issuers) ? "drill" : "";
  return { folder, clock: clock ?? moved ?? undefined, isLapse: moved !== null, said };
}

/** An empty variable counts as not set: `${VAR:-}` in a compose file makes it empty. */
const fromEnv = (name: string): string | undefined =>
  (process.env[name] ?? "").trim() === "" ? undefined : process.env[name];

/** Containers have users without an entry and without HOME: then there is no folder to write to. */
function home(): string {
  try {
    return homedir();
  } catch {
    return join(tmpdir(), "no-home");
  }
}

/** @returns an error if the file has no keys */
async function pinnedKeys(path: string | undefined): Promise<KeySet | Error | undefined> {
  if (path === undefined) return undefined;
  try {
    const text = decodeText(await inTime(dirname(path), () => readBytes(path)), path);
    return readKeySet(parseObject(text)) ?? new TypeError(`${path} holds no JWK Set with Ed25519 keys.`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
