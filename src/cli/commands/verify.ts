// verify: judges a signed document without the service
import type { Command } from "commander";
import type { JSONWebKeySet } from "jose";
import { parseInstant, SECOND } from "../../kernel/dates.ts";
import { addressesIn } from "../../field/addresses.ts";
import { type Call, define, handle, withJson } from "../command.ts";
import type { Trust } from "../verification/authenticity.ts";
import type { Circumstances, Verdict } from "../verification/documents.ts";
import { EXIT, Failure, usage } from "../failures.ts";
import { readInput, readJson } from "../inputs.ts";
import { end, limit, list, note, print, printDetails, standing, text, verdict, when } from "../output.ts";
import { profileName, profileOf } from "../profiles.ts";
import { printFigures } from "./usage.ts";

interface Options {
  jwks?: string;
  issuer?: string;
  revocations?: string;
  at?: string;
}

async function trustOf({ options }: Call<Options>): Promise<Trust> {
  const { jwks: file, issuer } = options;
  const issuers = issuer === undefined ? null : addressesIn(issuer);
  if (file !== undefined) {
    const jwks = (await readJson(file)) as Partial<JSONWebKeySet> | null;
    if (!Array.isArray(jwks?.keys)) throw usage(`${file} is not a JWK Set.`);
    return { jwks: jwks as JSONWebKeySet, issuers };
  }
  const name = profileName(options.profile);
  const profile = profileOf(name);
  if (!profile) {
    throw usage(
      "No keys to verify with.",
      "remedy: --jwks FILE with the service's /.well-known/jwks.json, or caio-license login, which keeps them.",
    );
  }
  return { jwks: profile.jwks, issuers: issuers ?? [profile.issuer] };
}

/** A date alone does not say which moment of the day is meant. */
function instantOf(given: string | undefined): number {
  if (given === undefined) return Date.now();
  const at = given.includes(":") ? parseInstant(given, "start") : null;
  if (at === null) throw usage("--at takes an RFC 3339 instant, such as 2027-01-31T12:00:00Z.");
  return at;
}

async function revocationsOf(
  { options }: Call<Options>,
  trust: Trust,
): Promise<Circumstances["revocations"]> {
  if (options.revocations === undefined) return null;
  const content = await readInput(options.revocations);
  const { readRevocations } = await import("../verification/documents.ts");
  return readRevocations(content, trust).catch((error: unknown) => {
    throw new Failure(EXIT.refused, `The revocation list is not valid. ${(error as Error).message}`);
  });
}

function printVerdict(judged: Verdict): void {
  const { valid, code, detail, kind, terms, entries, statement } = judged;
  print(`${verdict(valid)}: ${kind}. ${text(detail)}${valid ? "" : ` (${code})`}`);
  const details: [string, string | undefined][] = [
    ["license", judged.license_id],
    ["customer", judged.customer_id],
    ["instance", judged.instance_id],
    ["revision", judged.revision?.toString()],
  ];
  const shown = details.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, text(value)]],
  );
  if (judged.standing !== undefined) shown.push(["standing", standing(judged.standing)]);
  if (judged.valid_until !== undefined) shown.push(["valid until", end(judged.valid_until, "no end")]);
  if (judged.license_expires_at !== undefined)
    shown.push(["license expires", end(judged.license_expires_at, "never")]);
  if (terms) {
    shown.push(
      ["type", text(terms.license_type)],
      ["features", list(terms.features)],
      ["instances", limit(terms.max_instances)],
      ["services", limit(terms.max_services)],
      ["requests per day", limit(terms.max_requests_per_day)],
    );
  }
  if (entries)
    shown.push(...Object.entries(entries).map(([name, count]): [string, string] => [name, String(count)]));
  if (statement)
    shown.push(
      ["month", text(statement.month)],
      ["closed", when(statement.closed_at)],
      ["revision before", statement.previous === null ? "none" : `SHA-256 ${text(statement.previous)}`],
      ["SHA-256", statement.hash],
    );
  if (judged.issuer !== undefined)
    shown.push(["issuer", text(judged.issuer)], ["signed with", text(judged.kid)]);
  if (shown.length > 0) printDetails(shown);
  if (statement) printFigures(statement);
}

async function verify(call: Call<Options>, file: string): Promise<void> {
  const now = instantOf(call.options.at);
  const trust = await trustOf(call);
  const revocations = await revocationsOf(call, trust);
  // Only this command needs cryptography: without it the others start faster.
  const { judge } = await import("../verification/documents.ts");
  const judged = await judge(await readInput(file), trust, { now, revocations });
  if (call.options.json) print(JSON.stringify(judged));
  else printVerdict(judged);
  if (!judged.valid) process.exitCode = EXIT.refused;
  if (revocations !== null && revocations.exp * SECOND <= now)
    note("The revocation list is older than its seven days: what happened since is not known.");
  if (revocations === null && judged.standing !== undefined)
    note("Checked without a revocation list: whether it was revoked or replaced is not known.");
}

export function addVerifyCommand(program: Command): void {
  withJson(
    define(
      program,
      "verify <file>",
      "Verify a license key, certificate, .caio-license file, revocation list or usage statement, without a network",
      [
        "verify acme.key",
        "verify berlin.caio-license --jwks jwks.json --issuer https://licensing.example",
        "verify acme.key --revocations revocations.jwt",
        "verify acme-2026-11.jwt",
        "licenses key lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 | caio-license verify -",
      ],
    ),
  )
    .option("--jwks <file>", "the published keys (default: those kept at login)")
    .option("--issuer <urls>", "the issuers to accept, separated by commas (default: the one kept at login)")
    .option("--revocations <file>", "a revocation list to check it against")
    .option("--at <instant>", "check as of this moment, such as 2027-01-31T12:00:00Z (default: now)")
    .action(handle<Options>((call, file) => verify(call, file)));
}
