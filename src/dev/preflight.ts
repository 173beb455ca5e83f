// What must exist before a deployment. Only checks and changes nothing; each fault comes with its fix.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { missingBindings, readWranglerConfig } from "./checks/wrangler-config.ts";

export const ENVIRONMENTS = ["production", "staging"] as const;

export type Environment = (typeof ENVIRONMENTS)[number];

export interface Target {
  environment: Environment;
  /** A wrangler.toml. */
  config: string;
  /** What names the target to wrangler. */
  flags: string[];
}

interface Fault {
  what: string;
  /** Commands, or what to write into which file. */
  mend: string[];
}

export interface Preflight {
  /** The address that will answer. */
  issuer: string;
  account: string | null;
  faults: Fault[];
  /** What may be intended. */
  notes: string[];
  /** Names of the migrations that the database lacks; null if it could not be asked. */
  pending: string[] | null;
}

interface Ran {
  code: number;
  out: string;
  /** Everything that was printed. */
  output: string;
}

/** Runs the wrangler on the path, which under `npm run` is the project's own. */
export async function wrangler(args: string[], show = false): Promise<Ran> {
  const child = spawn("wrangler", args, {
    stdio: ["ignore", "pipe", "pipe"],
    // CI: it must not wait for an answer that nobody can give.
    env: { ...process.env, CI: "true", NO_COLOR: "1", FORCE_COLOR: "0", WRANGLER_SEND_METRICS: "false" },
  });
  let [out, output] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    output += text;
    if (show) process.stdout.write(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (show) process.stderr.write(text);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, out, output };
}

interface EnvironmentConfig {
  name?: string;
  vars?: Record<string, string>;
  routes?: (string | { pattern?: string; custom_domain?: boolean })[];
  d1_databases?: { binding: string; database_name: string; database_id?: string }[];
  r2_buckets?: { binding: string; bucket_name: string }[];
}

const patternOf = (route: string | { pattern?: string }): string | undefined =>
  typeof route === "string" ? route : route.pattern;

/** Domains that RFC 2606 reserves for examples. */
const isExample = (text: string): boolean => /\.example\b|\bexample\.(?:com|net|org)\b/.test(text);

const RANDOM = "node -p \"crypto.randomBytes(32).toString('base64url')\"";

interface Configured {
  issuer: string;
  /** Whether there is a database to ask. */
  hasDatabase: boolean;
  /** The name of the bucket BACKUPS; undefined if it is left out. */
  bucket: string | undefined;
  faults: Fault[];
}

function configFaults({ environment, config }: Target): Configured {
  const whole = readWranglerConfig(config);
  const section = `[env.${environment}]`;
  const own = ((whole["env"] ?? {}) as Record<string, EnvironmentConfig>)[environment];
  const missing = missingBindings(whole, environment);
  const faults: Fault[] = [];
  const fault = (what: string, ...mend: string[]): number => faults.push({ what, mend });
  if (missing.length > 0)
    fault(`${section} lacks ${missing.join(", ")}.`, `repeat in ${config} what the top level has`);
  const issuer = own?.vars?.["ISSUER"] ?? "";
  const host = URL.parse(issuer)?.host ?? "";
  if (isExample(issuer) || !URL.canParse(issuer))
    fault(
      `ISSUER is ${issuer || "missing"}, not the address of your service. Keys name it for ever: choose it once.`,
      `write ISSUER = "https://…" and the same host in routes under ${section} in ${config}`,
    );
  else if (own?.routes && ![own.routes].flat().some((route) => patternOf(route) === host))
    fault(
      `The host of ISSUER, ${host}, is not among the routes.`,
      `name it in routes under ${section} in ${config}`,
    );
  const sender = own?.vars?.["MAIL_FROM"] ?? "";
  if (isExample(sender))
    fault(
      `MAIL_FROM is ${sender}, not an address of yours.`,
      `write MAIL_FROM under ${section} in ${config}`,
    );
  const database = [own?.d1_databases ?? []].flat().find(({ binding }) => binding === "DB");
  const isPlaceholder = database !== undefined && /^[0-]*$/.test(database.database_id ?? "");
  if (isPlaceholder)
    fault(
      `There is no database yet: its database_id under ${section} is all zeros.`,
      `npx wrangler d1 create ${database.database_name}`,
      `then write the id that it prints as database_id under [[env.${environment}.d1_databases]] in ${config}`,
    );
  const bucket = [own?.r2_buckets ?? []].flat().find(({ binding }) => binding === "BACKUPS")?.bucket_name;
  return { issuer, hasDatabase: !isPlaceholder, bucket, faults };
}

/** @returns why the bucket cannot be bound, or null */
async function bucketFault(bucket: string, config: string): Promise<Fault | null> {
  const { code, output } = await wrangler(["r2", "bucket", "info", bucket]);
  if (code === 0) return null;
  return {
    what: `The bucket ${bucket} cannot be asked: ${output.trim()}`,
    mend: [
      `npx wrangler r2 bucket create ${bucket}`,
      `or, in an account without R2, take every [[…r2_buckets]] out of ${config}`,
    ],
  };
}

const SECRETS: { name: string; required: boolean; what: string; mend: (flags: string) => string[] }[] = [
  {
    name: "SIGNING_KEYS",
    required: true,
    what: "Nothing can be signed.",
    // Cloudflare never shows a secret again, and without a copy no key can be rotated.
    mend: (flags) => [
      "(umask 077 && npm run --silent keys -- generate > signing-keys.json)",
      `npx wrangler secret put SIGNING_KEYS ${flags} < signing-keys.json`,
      "then move signing-keys.json to your password store",
    ],
  },
  {
    name: "SESSION_SECRET",
    required: true,
    what: "Nobody can sign in.",
    mend: (flags) => [`${RANDOM} | npx wrangler secret put SESSION_SECRET ${flags}`],
  },
  {
    name: "ADMIN_TOKEN",
    required: false,
    what: "Without it there is no first owner.",
    mend: (flags) => [`npx wrangler secret put ADMIN_TOKEN ${flags}   (16 characters or more)`],
  },
  {
    name: "RESEND_API_KEY",
    required: false,
    what: "Without it mail is written and shown, but not sent.",
    mend: (flags) => [`npx wrangler secret put RESEND_API_KEY ${flags}`],
  },
  {
    name: "RESEND_WEBHOOK_SECRET",
    required: false,
    what: "Without it nobody learns of mail that bounced.",
    mend: (flags) => [`npx wrangler secret put RESEND_WEBHOOK_SECRET ${flags}`],
  },
];

/** @returns the names of the Worker's secrets; a Worker that does not exist yet has none */
async function secretsOf(flags: string[]): Promise<string[] | Fault> {
  const { code, out, output } = await wrangler(["secret", "list", "--format", "json", ...flags]);
  if (code === 0) return (JSON.parse(out) as { name: string }[]).map(({ name }) => name);
  if (/Worker .* not found/.test(output)) return [];
  return { what: `The secrets cannot be listed: ${output.trim()}`, mend: ["see what wrangler says above"] };
}

async function pendingMigrations(flags: string[]): Promise<string[] | Fault> {
  const { code, out, output } = await wrangler(["d1", "migrations", "list", "DB", "--remote", ...flags]);
  if (code === 0) return out.match(/\w[\w.-]*\.sql\b/g) ?? [];
  return { what: `The database cannot be asked: ${output.trim()}`, mend: ["npx wrangler d1 list"] };
}

/** Everything that is missing, all at once. */
export async function preflight(target: Target): Promise<Preflight> {
  const { issuer, hasDatabase, bucket, faults } = configFaults(target);
  const found: Preflight = { issuer, account: null, faults, notes: [], pending: null };
  const who = await wrangler(["whoami", "--json"]);
  const me =
    who.code === 0
      ? (JSON.parse(who.out) as { email?: string; accounts?: { id: string; name: string }[] })
      : null;
  if (me === null) {
    faults.unshift({
      what: "You are not logged in at Cloudflare.",
      mend: ["npx wrangler login", "or, in CI, set CLOUDFLARE_API_TOKEN"],
    });
    return found;
  }
  const { accounts = [] } = me;
  found.account = accounts.map(({ name }) => name).join(", ") || me.email || null;
  if (
    accounts.length > 1 &&
    !process.env["CLOUDFLARE_ACCOUNT_ID"] &&
    !readWranglerConfig(target.config)["account_id"]
  ) {
    faults.unshift({
      what: "You have several accounts at Cloudflare. Choose one.",
      mend: accounts.map(({ id, name }) => `export CLOUDFLARE_ACCOUNT_ID=${id}   (${name})`),
    });
    return found;
  }
  const secrets = await secretsOf(target.flags);
  if (Array.isArray(secrets)) {
    const flags = target.flags.join(" ");
    for (const { name, required, what, mend } of SECRETS.filter((secret) => !secrets.includes(secret.name))) {
      if (required) faults.push({ what: `The secret ${name} is missing. ${what}`, mend: mend(flags) });
      else found.notes.push(`The secret ${name} is not set. ${what} ${mend(flags).join("; ")}`);
    }
  } else faults.push(secrets);
  if (bucket === undefined) {
    found.notes.push(
      "There is no bucket BACKUPS: there are no weekly backups, and the heads of the seals are kept in certificates and digests alone.",
    );
  } else if (hasDatabase) {
    const fault = await bucketFault(bucket, target.config);
    if (fault) faults.push(fault);
  }
  if (hasDatabase) {
    const pending = await pendingMigrations(target.flags);
    if (Array.isArray(pending)) found.pending = pending;
    else faults.push(pending);
  }
  return found;
}
