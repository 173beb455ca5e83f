// Searches every line that the service logs, every refusal, and every column of the database for license keys,
// certificates, tokens, sessions, secrets of the configuration, and e-mail addresses where they do not belong.
// setup.ts and service.ts do this for the whole suite.
import { env } from "./env.ts";

/** A compact JWS, or what an API token or the secret of a webhook endpoint looks like. */
const SECRET = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|caio_[\w-]{32}|whsec_[\w+/]{40}/;

const DOCUMENT = /eyJ[\w-]{8,}\.[\w-]+\.([\w-]{40,})/g;

const ADDRESS = /[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi;

const addressIn = (text: string): string | null => text.match(ADDRESS)?.[0] ?? null;

/** Free text is stored as a caller writes it. The fuzzers write addresses of this host. */
const CALLERS_OWN = /@hostile\.example$/i;

const isKeptAddress = (text: string): boolean =>
  (text.match(ADDRESS) ?? []).some((address) => !CALLERS_OWN.test(address));

const WORD = /[\w-]{40,}/g;

const { keys } = JSON.parse(env.SIGNING_KEYS) as { keys: { d: string }[] };

/** These may appear nowhere, not even as part of a longer text. */
const CONFIGURED = [env.SESSION_SECRET, env.ADMIN_TOKEN, ...keys.map(({ d }) => d)];

/** Signatures of the documents and sessions that the service gave out. Without them, the rest is worth nothing. */
const givenOut = new Set<string>();

/** Remembers the secrets in an answer, to recognize them elsewhere, also in parts. */
export function rememberGivenOut(answer: string): void {
  for (const [, signature] of answer.matchAll(DOCUMENT)) givenOut.add(signature!);
}

/** A secret in a text, or null. */
function secretIn(text: string): string | null {
  const shaped = SECRET.exec(text)?.[0];
  if (shaped !== undefined) return shaped;
  const configured = CONFIGURED.find((secret) => text.includes(secret));
  if (configured !== undefined) return configured;
  for (const [word] of text.matchAll(WORD)) if (givenOut.has(word)) return word;
  return null;
}

/** Contains nothing secret and is of no use to anybody: it only says that an installation was refused. */
const SIGNED_REFUSAL = /"refusal":"[^"]+"/;

/**
 * A refusal contains no secret, not even one that its caller sent, because refusals end up in logs and tickets. And it
 * shows no address that the caller did not send.
 * @param sent the request, as text
 */
export function assertRefusalKeepsSecrets(answer: string, sent: () => string, call: string): void {
  const secret = secretIn(answer.replace(SIGNED_REFUSAL, ""));
  if (secret !== null) throw new Error(`the refusal of ${call} holds ${secret.slice(0, 12)}…: ${answer}`);
  for (const [address] of answer.matchAll(ADDRESS))
    if (!wasSent(address, sent())) throw new Error(`the refusal of ${call} tells the address ${address}`);
}

/** Whether the caller sent it, in upper or lower case. A member's path may precede it: rows.0.ada@acme.example. */
function wasSent(address: string, sent: string): boolean {
  const known = sent.toLowerCase();
  let rest = address.toLowerCase();
  while (rest.includes("@") && !known.includes(rest)) rest = rest.replace(/^[^.]*\.?/, "");
  return rest.includes("@");
}

/** A page that refuses a form shows what its sender entered, but no other secret. */
export function assertPageKeepsSecrets(html: string, entered: string, path: string): void {
  const secret = secretIn(html);
  if (secret !== null && !entered.includes(secret))
    throw new Error(`the refusal at ${path} holds ${secret.slice(0, 12)}…: ${html}`);
}

/** What was written to the console, and what shows it. */
const log: { line: string; show: () => void }[] = [];

const WATCHED = Symbol("watched");

/**
 * From now on, watches what the service writes to the console, and keeps it for `showLog`. A run of the suite writes
 * many thousand lines, and passing each of them out of workerd takes longer than writing it.
 */
export function watchLog(): void {
  for (const name of ["log", "info", "warn", "error", "debug"] as const) {
    const write = console[name] as typeof console.log & { [WATCHED]?: true };
    if (write[WATCHED]) continue;
    const watched = (...said: unknown[]): void => {
      log.push({ line: said.map(String).join(" "), show: () => write(...said) });
    };
    console[name] = Object.assign(watched, { [WATCHED]: true });
  }
}

export function showLog(): void {
  for (const { show } of log) show();
}

export function assertLogKeepsSecrets(): void {
  for (const { line } of log.splice(0)) {
    const found = secretIn(line) ?? addressIn(line);
    if (found !== null) throw new Error(`the log holds ${found.slice(0, 12)}…: ${line}`);
  }
}

/** Public, and meant to be there. */
const DOCUMENTS_KEPT = new Set(["audit_seals.token", "statements.token"]);

/** Where addresses belong: recipients, people with access, actors, and the events about people with access. */
const ADDRESSES_KEPT = new Set([
  "contacts.email",
  "portal_invitations.email",
  "customers.email",
  "customer_terms.term",
  "people.email",
  "messages.dedupe_key",
  "messages.recipient",
  "events.actor_id",
  "idempotency_keys.actor_id",
  "pending_changes.ordered_by",
  "pending_changes.released_by",
]);

interface Column {
  table: string;
  column: string;
  type: "TEXT" | "BLOB";
}

let columns: Column[] | null = null;

async function columnsOf(): Promise<Column[]> {
  const { results } = await env.DB.prepare(
    `SELECT t.name AS "table", c.name AS "column", c.type FROM sqlite_schema t, pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' AND t.name NOT GLOB '_cf_*' AND t.name NOT GLOB 'd1_*'
       AND c.type IN ('TEXT', 'BLOB')`,
  ).all<Column>();
  return results;
}

/** Text that may contain a match: D1 takes no pattern of more than 50 bytes, so the rest is checked here. */
const mayBeSecret = (text: string): string =>
  [
    ...["*eyJ*.*.*", `*caio_${"?".repeat(32)}*`, `*whsec_${"?".repeat(40)}*`].map(
      (shape) => `${text} GLOB '${shape}'`,
    ),
    ...CONFIGURED.map((secret) => `instr(${text}, '${secret}') > 0`),
  ].join(" OR ");

const mayBeAddress = (text: string, { table, type }: Column): string => {
  // What is sealed looks like an address now and then, but not like one of the hosts that the tests use.
  const shape = type === "BLOB" ? "*?@?*.example*" : "*?@?*.[a-zA-Z][a-zA-Z]*";
  // The id of a person is an address. Of all others, an event holds no address.
  return `${text} GLOB '${shape}' ${table === "events" ? "AND entity_type <> 'person'" : ""}`;
};

/** Searches every column of every table as it is now, no matter which code wrote it. */
export async function assertDatabaseKeepsSecrets(): Promise<void> {
  columns ??= await columnsOf();
  const searches: D1PreparedStatement[] = [];
  for (const one of columns) {
    const { table, column } = one;
    const place = `${table}.${column}`;
    const text = `CAST(${column} AS TEXT)`;
    const search = (what: string, where: string): void => {
      const shown = `'${what}' AS what, '${place}' AS place, ${text} AS said`;
      searches.push(env.DB.prepare(`SELECT ${shown} FROM ${table} WHERE ${where}`));
    };
    if (!DOCUMENTS_KEPT.has(place)) search("secret", mayBeSecret(text));
    if (!ADDRESSES_KEPT.has(place)) search("address", mayBeAddress(text, one));
  }
  const found = (await env.DB.batch<{ what: string; place: string; said: string }>(searches))
    .flatMap(({ results }) => results)
    .filter(({ what, said }) => (what === "secret" ? secretIn(said) !== null : isKeptAddress(said)))
    .map(({ what, place, said }) => `${place}, ${what}: ${said.slice(0, 300)}`);
  const some = found.slice(0, 20).join("\n");
  if (found.length > 0) throw new Error(`the database holds ${found.length} times in the clear:\n${some}`);
}
