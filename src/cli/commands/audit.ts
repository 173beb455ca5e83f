// audit: the sealed record, and whether it is still as it was sealed
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { JSONWebKeySet } from "jose";
import type { Finding, SealClaims } from "../../audit/chain.ts";
import { addressesIn, isSameAddress } from "../../field/addresses.ts";
import type { Client } from "../client.ts";
import { type Call, define, group, handle, path, withJson, withList } from "../command.ts";
import { EXIT, usage } from "../failures.ts";
import { openOutput, saveText } from "../files.ts";
import { positive, readJson } from "../inputs.ts";
import { type Column, note, print, printTable, text, verdict, when } from "../output.ts";
import { startProgress } from "../progress.ts";
import { readPublished } from "../verification/published.ts";
import type { Remembered, SealedEvents } from "../verification/record.ts";
import type { AuditSeal, EventDocument, Me } from "../shapes.ts";

interface Options {
  state?: string;
  jwks?: string;
  issuer?: string;
  from: number;
}

interface Checked {
  valid: boolean;
  seals: number;
  /** The last event that a seal covers, and when it was sealed; 0 and null if there is no seal. */
  up_to: number;
  sealed_at: string | null;
  /** Events that the next night will seal. */
  unsealed: number;
  findings: Finding[];
}

const SEAL_COLUMNS: Column<AuditSeal>[] = [
  ["seal", (row) => String(row.id)],
  ["sealed", (row) => when(row.sealed_at)],
  ["events", (row) => `${row.from_id} to ${row.up_to}`],
  ["head", (row) => text(row.head)],
];

const FINDING_COLUMNS: Column<Finding>[] = [
  ["what", ({ kind, id }) => (kind === "seal" ? `seal ${id}` : `event ${id}`)],
  ["found", ({ kind }) => (kind === "seal" ? "–" : kind)],
  ["says", ({ says }) => text(says)],
];

async function allOf<T>(rows: AsyncGenerator<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

async function keysIn(file: string | undefined): Promise<JSONWebKeySet["keys"]> {
  if (file === undefined) return [];
  const set = (await readJson(file)) as Partial<JSONWebKeySet> | null;
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
  const { checkSeal } = await import("../../audit/chain.ts");
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

function printChecked({ valid, seals, up_to, sealed_at, unsealed, findings }: Checked): void {
  if (valid)
    print(`${verdict(true)}: ${seals} seals cover the events up to ${up_to}, each as it was sealed.`);
  else {
    print(`${verdict(false)}: the record is not what was sealed.`);
    printTable(findings, FINDING_COLUMNS);
  }
  note(`Last sealed: ${when(sealed_at, "never")}. Not sealed yet, and so not checked: ${unsealed} events.`);
}

async function verify(call: Call<Options>): Promise<void> {
  const { state: file, jwks, issuer: given = "", from, json } = call.options;
  const client = call.client();
  const place = file === undefined ? null : openOutput(file);
  const { issuer, jwks: published } = await readPublished(client.url);
  const named = addressesIn(given);
  const before = await remembered(file, [issuer, ...named]);
  const former = [
    ...new Set([...named, ...(before ? [before.issuer, ...(before.former ?? [])] : [])]),
  ].filter((one) => !isSameAddress(one, issuer));
  const known = [...(before?.keys ?? []), ...(await keysIn(jwks))];
  // A known kid keeps its key, even if another key is published under it now.
  const keys = [...known, ...published.keys.filter(({ kid }) => known.every((key) => key.kid !== kid))];

  const { compare, readSeals } = await import("../verification/record.ts");
  const { role } = JSON.parse(await client.send({ path: path("me") })) as Me;
  const lastEvents = client.rows<EventDocument>(path("events"), {}, 1);
  const lastEvent = (await allOf(lastEvents))[0]?.id ?? 0;
  const rows = (
    await allOf(client.rows<AuditSeal>(path("audit-seals"), {}, Number.POSITIVE_INFINITY))
  ).toReversed();
  const { claims, findings } = await readSeals(rows, { jwks: { keys }, issuers: [issuer, ...former] });
  const last = claims.at(-1) ?? { seal: 0, up_to: 0, head: "" };
  if (before) {
    // The last event that an owner saw may be hidden from the person who checks now.
    const unseen = role !== "owner" && (before.role ?? "owner") === "owner" ? before.last_event : 0;
    findings.push(...compare(claims, Math.max(lastEvent, last.up_to, unseen), before));
  }
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
    sealed_at: rows.at(-1)?.sealed_at ?? null,
    unsealed: Math.max(0, lastEvent - last.up_to),
    findings,
  };
  if (json) print(JSON.stringify(checked));
  else printChecked(checked);
  if (!valid) process.exitCode = EXIT.refused;
  else if (place !== null) {
    const seen: Remembered = {
      issuer,
      former,
      seal: last.seal,
      up_to: last.up_to,
      head: last.head,
      last_event: lastEvent,
      role,
      keys,
    };
    await saveText(JSON.stringify(seen, null, 2), place);
  } else {
    note("Without --state FILE nobody notices if the latest seals were removed, or if all were rewritten.");
  }
}

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
        "audit verify --from 300 --json",
      ],
    ),
  )
    .option(
      "--state <file>",
      "remember this check in a file, and compare it with the last one; keep the file elsewhere",
    )
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
}
