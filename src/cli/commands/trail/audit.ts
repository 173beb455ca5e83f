// audit: the sealed record, and whether it is still as it was sealed
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Finding, SealClaims, Segments } from "../../../audit/chain.ts";
import { addressesIn, isSameAddress } from "../../../field/addresses.ts";
import type { Client } from "../../client.ts";
import {
  type Call,
  define,
  group,
  handle,
  path,
  withConfirmation,
  withDryRun,
  withJson,
  withList,
} from "../../command.ts";
import { EXIT, usage } from "../../failures.ts";
import { openOutput, saveText } from "../../files.ts";
import { positive, readJson, readTextFile } from "../../inputs.ts";
import { type Column, note, print, printTable, text, verdict, when } from "../../output.ts";
import { startProgress } from "../../progress.ts";
import { readPublished } from "../../verification/published.ts";
import type { Remembered, SealedEvents } from "../../verification/record.ts";
import type { TrustedKey } from "../../verification/authenticity.ts";
import type { AuditSeal, SealStatus } from "../../shapes.ts";

interface Options {
  state?: string;
  jwks?: string;
  issuer?: string;
  witness?: string[];
  acceptBreak?: number[];
  from: number;
}

interface Checked {
  valid: boolean;
  seals: number;
  /** The last event that a seal covers, and when that was signed; 0 and null if there is no seal. */
  up_to: number;
  sealed_at: string | null;
  /** Events that the next night will seal. */
  unsealed: number;
  /** The first seal of each segment that an owner began, and the seal that it goes on from. */
  breaks: Segments["breaks"];
  /** How many heads the witnesses name, and whether the service keeps heads outside its database. */
  witnessed: number;
  heads_kept: boolean;
  findings: Finding[];
}

const SEAL_COLUMNS: Column<AuditSeal>[] = [
  ["seal", (row) => String(row.id)],
  ["sealed", (row) => when(row.sealed_at)],
  ["events", (row) => `${row.from_id} to ${row.up_to}`],
  ["head", (row) => text(row.head)],
];

/** What a finding is about, if not about an event. */
const KINDS: Partial<Record<Finding["kind"], string>> = { seal: "seal", break: "seal", witness: "witness" };

const FINDING_COLUMNS: Column<Finding>[] = [
  ["what", ({ kind, id }) => `${KINDS[kind] ?? "event"} ${id}`],
  ["found", ({ kind }) => (kind === "seal" || kind === "witness" ? "–" : kind)],
  ["says", ({ says }) => text(says)],
];

async function allOf<T>(rows: AsyncGenerator<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

async function keysIn(file: string | undefined): Promise<TrustedKey[]> {
  if (file === undefined) return [];
  const set = (await readJson(file)) as { keys?: TrustedKey[] } | null;
  if (!Array.isArray(set?.keys)) throw usage(`${file} is not a JWK Set.`);
  return set.keys;
}

/** What the last check remembered; null the first time. */
async function remembered(file: string | undefined, issuers: string[]): Promise<Remembered | null> {
  if (file === undefined || !existsSync(file)) return null;
  const state = (await readJson(file)) as Partial<Remembered> | null;
  if (typeof state?.seal !== "number" || typeof state.head !== "string" || !Array.isArray(state.keys))
    throw usage(`${file} is not a state file of audit verify.`);
  const before = state as Remembered;
  if (![...issuers, ...(before.former ?? [])].some((issuer) => isSameAddress(issuer, before.issuer))) {
    throw usage(
      `${file} belongs to ${before.issuer}, not to ${issuers.join(" or ")}.`,
      `remedy: if the service moved, add --issuer ${before.issuer}.`,
    );
  }
  return before;
}

/** Compares the current events of each seal with what was sealed. */
async function checkEvents(client: Client, seals: SealClaims[]): Promise<Finding[]> {
  const { checkSeal } = await import("../../../audit/chain.ts");
  const progress = await startProgress(seals.length, "seals checked");
  const findings: Finding[] = [];
  try {
    for (const [n, claims] of seals.entries()) {
      const answer = await client.send({ path: path("audit-seals", String(claims.seal)) });
      const { marks, events } = JSON.parse(answer) as SealedEvents;
      findings.push(...(await checkSeal(claims, marks, events)));
      progress.update(n + 1);
    }
  } finally {
    progress.stop();
  }
  return findings;
}

function printChecked({ valid, seals, up_to, sealed_at, unsealed, breaks, findings }: Checked): void {
  if (valid)
    print(`${verdict(true)}: ${seals} seals cover the events up to ${up_to}, each as it was sealed.`);
  else {
    print(`${verdict(false)}: the record is not what was sealed.`);
    printTable(findings, FINDING_COLUMNS);
  }
  if (valid)
    for (const { seal, after } of breaks) note(`Accepted: seal ${seal} begins anew after seal ${after}.`);
  note(
    `Last sealed: ${when(sealed_at, seals === 0 ? "never" : "unknown")}. Not sealed yet, and so not checked: ${unsealed} events.`,
  );
}

async function verify(call: Call<Options>): Promise<void> {
  const { state: file, jwks, issuer: given = "", witness = [], acceptBreak = [], from, json } = call.options;
  const client = call.client();
  const place = file === undefined ? null : openOutput(file);
  const witnesses = witness.map((one) => ({ file: one, content: readTextFile(one) }));
  const accepted = new Set(acceptBreak);
  const { issuer } = await readPublished(client.url);
  const named = addressesIn(given);
  const before = await remembered(file, [issuer, ...named]);
  const former = [
    ...new Set([...named, ...(before ? [before.issuer, ...(before.former ?? [])] : [])]),
  ].filter((one) => !isSameAddress(one, issuer));

  const { compare, readSeals, trustedKeys } = await import("../../verification/record.ts");
  const { hear } = await import("../../verification/witnesses.ts");
  const rows = (
    await allOf(client.rows<AuditSeal>(path("audit-seals"), {}, Number.POSITIVE_INFINITY))
  ).toReversed();
  // After the seals, so that a night between the two leaves no seal beyond the last event.
  const status = JSON.parse(await client.send({ path: path("audit-seals", "status") })) as SealStatus;
  const { last_event: lastEvent, fault, heads_kept } = status;
  const trust = {
    jwks: { keys: trustedKeys(before, await keysIn(jwks), status.keys) },
    issuers: [issuer, ...former],
  };
  const chain = await readSeals(rows, trust, accepted);
  const { claims, breaks, findings } = chain;
  const last = claims.at(-1) ?? { seal: 0, up_to: 0, head: "" };
  if (before) findings.push(...compare(chain, lastEvent, before, accepted));
  const heard = await hear(witnesses, chain, trust, accepted);
  findings.push(...heard.findings);
  if (fault !== null)
    findings.push({ kind: "seal", id: last.seal, says: `Nothing more is sealed. ${fault}` });
  findings.push(
    ...(await checkEvents(
      client,
      claims.filter(({ seal }) => seal >= from),
    )),
  );

  const valid = findings.length === 0;
  const checked: Checked = {
    valid,
    seals: rows.length,
    up_to: last.up_to,
    sealed_at: chain.sealed_at,
    unsealed: Math.max(0, lastEvent - last.up_to),
    breaks,
    witnessed: heard.heads,
    heads_kept,
    findings,
  };
  if (json) print(JSON.stringify(checked));
  else printChecked(checked);
  for (const one of heard.silent) note(`${one} names no head of the record.`);
  for (const one of heard.empty)
    note(
      `${one} is no signed document and names no head of the record, so it was not compared. Save a mail as it was sent (.eml), or its text.`,
    );
  if (!valid) process.exitCode = EXIT.refused;
  else if (heard.empty.length > 0 || (witnesses.length > 0 && heard.heads === 0))
    process.exitCode = EXIT.usage;
  else if (place !== null) {
    const seen: Remembered = {
      issuer,
      former,
      seal: last.seal,
      up_to: last.up_to,
      head: last.head,
      last_event: lastEvent,
      keys: trust.jwks.keys,
    };
    await saveText(JSON.stringify(seen, null, 2), place);
  } else if (heard.heads === 0) {
    note(
      "Without --state FILE or --witness FILE nobody notices if the latest seals were removed, or if all were rewritten.",
    );
  }
}

async function restart(call: Call<{ reason: string }>): Promise<void> {
  const { reason } = call.options;
  await call.confirm("Begin the seals anew? Every check names the break from then on.");
  await call.change(
    { method: "POST", path: path("audit-seals", "restart"), body: { reason } },
    ({ id, from_id, up_to }: AuditSeal) =>
      print(`Seal ${id} begins a new segment, with the events ${from_id} to ${up_to}.`),
  );
}

/** An option that may be given several times. */
const several = (seal: string, before: number[] = []): number[] => [...before, positive(seal)];

export function addAuditCommands(program: Command): void {
  const audit = group(program, "audit", "The sealed record of what happened", "audit verify");

  withJson(
    define(
      audit,
      "verify",
      "Check that no event was edited, removed, or inserted since the record was sealed",
      [
        "audit verify",
        "audit verify --state /var/lib/caio-license/audit.json",
        "audit verify --witness certificate.jwt digest.eml",
        "audit verify --from 300 --json",
      ],
    ),
  )
    .option(
      "--state <file>",
      "remember this check in a file, and compare it with the last one; keep the file elsewhere",
    )
    .option(
      "--witness <file...>",
      "certificates, license files, digests, and heads from BACKUPS: what they name must be in the chain",
    )
    .option("--accept-break <seal>", "accept that an owner restarted the seals at this one", several)
    .option("--jwks <file>", "public keys that signed seals and are no longer published")
    .option(
      "--issuer <urls>",
      "former addresses of the service, separated by commas; the state file remembers them",
    )
    .option(
      "--from <seal>",
      "check the events from this seal on; earlier ones were checked before",
      positive,
      1,
    )
    .action(handle<Options>(verify));

  withList(
    define(audit, "seals", "List the seals, the latest first", ["audit seals", "audit seals --all --json"]),
  ).action(
    handle((call) => call.list<AuditSeal>(path("audit-seals"), {}, SEAL_COLUMNS, "Nothing is sealed yet.")),
  );

  withConfirmation(
    withDryRun(
      define(audit, "restart", "Begin the seals anew, after the chain was found broken", [
        "audit restart --reason 'Restored the database of 23 November'",
      ]),
    ),
  )
    .requiredOption("--reason <text>", "why; it is recorded")
    .action(handle<{ reason: string }>(restart));
}
