// What the admin API can do, the command line can do too: each call, and what it may be asked or told.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { endpoints, WEBHOOKS } from "../../../src/app.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { openApiDocument } from "../../../src/http/openapi/openapi.ts";
import { API, nameOf } from "../../access/calls.ts";

const TERMS =
  "--expires never --starts 2027-01-01 --grace-days 1 --features a --max-instances 1 --max-services 1 --max-requests-per-day 1 --unproven-lease-hours 1 --clone-policy warn --notice-days 1 --updates-until never --set a=1 --metadata {} --tags a --notes a";

const filtersOf = (names: string): string =>
  names
    .split(" ")
    .map((name) => `--filter ${name}=1`)
    .join(" ");

/** The call, and the lines that send it. Together they use each parameter, and each member of the body, that there is. */
const LINES: Record<string, string[]> = {
  "POST /v1/admin/customers": [
    "customers create --name A --id a --email a --company a --metadata {} --tags a --notes a --no-portal",
  ],
  "GET /v1/admin/customers": ["customers list -q a --tag a --metadata a=1 --email-status none --sort name"],
  "GET /v1/admin/customers/{id}": ["customers show a"],
  "PATCH /v1/admin/customers/{id}": [
    "customers update a --name A --email a --company a --metadata {} --tags a --notes a --portal",
  ],
  "DELETE /v1/admin/customers/{id}": ["customers delete a --yes"],
  "GET /v1/admin/customers/{id}/usage": ["customers usage a --period 2026-Q3", "customers usage a --csv"],
  "POST /v1/admin/customers/{id}/sign-out": ["customers sign-out a"],
  "POST /v1/admin/customers/{id}/suspend": ["customers suspend a --reason a --dry-run"],
  "POST /v1/admin/customers/{id}/reinstate": ["customers reinstate a --reason a --dry-run"],
  "POST /v1/admin/customers/{id}/erase": ["customers erase a --reason a --dry-run"],
  "GET /v1/admin/customers/{id}/data": ["customers data a"],
  "POST /v1/admin/customers/{id}/contacts": [
    "contacts add a --email a --name a --roles license --language de --no-portal",
  ],
  "GET /v1/admin/customers/{id}/contacts": ["contacts list a"],
  "PATCH /v1/admin/customers/{id}/contacts/{contact_id}": [
    "contacts update a b --email a --name a --roles license --language de --portal",
  ],
  "DELETE /v1/admin/customers/{id}/contacts/{contact_id}": ["contacts remove a b --yes"],
  "POST /v1/admin/customers/{id}/contacts/{contact_id}/erase": ["contacts erase a b --reason a --dry-run"],
  "GET /v1/admin/license-types": ["types list"],
  "GET /v1/admin/license-types/{id}": ["types show a"],
  "PUT /v1/admin/license-types/{id}": ["types set a FILE"],
  "DELETE /v1/admin/license-types/{id}": ["types delete a --yes"],
  "GET /v1/admin/entitlements": ["entitlements list"],
  "POST /v1/admin/entitlements": [
    "entitlements create a --name a --kind meter --unit a --aggregate sum --period day --over warn --default 1",
  ],
  "GET /v1/admin/entitlements/{code}": ["entitlements show a"],
  "PATCH /v1/admin/entitlements/{code}": [
    "entitlements update a --name a --kind meter --unit a --aggregate sum --period day --over warn --default 1",
  ],
  "DELETE /v1/admin/entitlements/{code}": ["entitlements delete a --yes"],
  "POST /v1/admin/licenses": [`licenses create --customer a --type a --for P1Y --days 1 --send ${TERMS}`],
  "GET /v1/admin/licenses": [
    "licenses list --customer a --type a --status active --standing grace --expiring-within 1 --ends-from 2027-01-01 --ends-until 2027-01-31 --told no --last-mail none --seats full -q a --tag a --metadata a=1 --sort ending",
  ],
  "GET /v1/admin/licenses/{id}": ["licenses show a"],
  "PATCH /v1/admin/licenses/{id}": [
    `licenses update a --type a --terms keep --lease-days 1 --check-in-hours 1 --send --on 2027-01-01 ${TERMS}`,
    "licenses update a --max-instances 1 --dry-run",
  ],
  "GET /v1/admin/licenses/{id}/usage": ["usage show a --from 2026-01-01 --to 2026-01-31"],
  "GET /v1/admin/licenses/{id}/statements/{month}": ["statement a 2026-11", "statement a 2026-11 --csv"],
  "PUT /v1/admin/licenses/{id}/usage/{date}/{instance_id}": [
    "usage correct a 2026-11-24 b --requests 1 --services 1 --meter a=1 --reason a",
  ],
  "GET /v1/admin/licenses/{id}/key": ["licenses key a"],
  "POST /v1/admin/licenses/{id}/renew": [
    "licenses renew a --for P1Y --on 2027-01-01",
    "licenses renew a --days 1",
    "licenses renew a --expires never",
  ],
  "POST /v1/admin/licenses/{id}/suspend": ["licenses suspend a --reason a --on 2027-01-01 --dry-run"],
  "POST /v1/admin/licenses/{id}/revoke": ["licenses revoke a --reason a --on 2027-01-01 --dry-run"],
  "POST /v1/admin/licenses/{id}/reinstate": ["licenses reinstate a --reason a --on 2027-01-01"],
  "POST /v1/admin/licenses/{id}/reissue": [
    "licenses reissue a --reason a --free b --unproven-hours 1 --dry-run",
  ],
  "POST /v1/admin/licenses/{id}/transfer": [
    "licenses transfer a --to b --reason a --send --on 2027-01-01 --dry-run",
  ],
  "GET /v1/admin/licenses/{id}/pending-changes": ["changes list a"],
  "DELETE /v1/admin/licenses/{id}/pending-changes/{change_id}": ["changes cancel a b"],
  "POST /v1/admin/licenses/{id}/pending-changes/{change_id}/release": ["changes release a b"],
  "GET /v1/admin/licenses/{id}/refusals": ["licenses refusals a"],
  "POST /v1/admin/licenses/{id}/offline-activations": [
    "offline-activate a FILE --lease-days 1 --replace --output PLACE",
  ],
  "POST /v1/admin/licenses/{id}/offline-deactivations": ["offline-deactivate a RECEIPT"],
  "GET /v1/admin/search": ["search a"],
  "GET /v1/admin/attention": ["attention list"],
  "POST /v1/admin/licenses/{id}/settle": ["attention settle a silent --reason a --days 1"],
  "POST /v1/admin/licenses/{id}/unsettle": ["attention unsettle a silent --reason a"],
  "GET /v1/admin/attention/settled": ["attention settled"],
  "GET /v1/admin/backups": ["backups"],
  "GET /v1/admin/activations": [
    "instances list --license a --customer a --active --seen-since 2026-01-01 --seen-before 2027-01-01 --version-below 2.0 --label a=1 -q a",
  ],
  "GET /v1/admin/activations/{id}": ["instances show a"],
  "DELETE /v1/admin/activations/{id}": ["instances free a --force --yes"],
  "POST /v1/admin/activations/{id}/clear-clone": ["instances clear-clone a --reason a"],
  "GET /v1/admin/statistics": ["stats"],
  "GET /v1/admin/statistics/instances": ["instances count --silent-days 7"],
  "GET /v1/admin/statistics/versions": ["instances versions --period 12m"],
  "GET /v1/admin/events": [
    "events list --entity a --actor a --type license.* --by staff --since 2026-01-01 --until 2026-02-01",
  ],
  "GET /v1/admin/audit-seals": ["audit seals"],
  "POST /v1/admin/audit-seals/restart": ["audit restart --reason a --yes"],
  "POST /v1/admin/api-tokens": ["tokens create --name a --role viewer --expires 2027-01-01"],
  "GET /v1/admin/api-tokens": ["tokens list"],
  "DELETE /v1/admin/api-tokens/{id}": ["tokens revoke a --yes"],
  "GET /v1/admin/people": ["people list"],
  "PUT /v1/admin/people/{email}": ["people set a --role viewer"],
  "DELETE /v1/admin/people/{email}": ["people remove a --yes"],
  "GET /v1/admin/me": ["whoami"],
  "GET /v1/admin/exports/licenses": [
    `export --customer a ${filtersOf("tag metadata.a license_type status standing expiring_within_days q sort ends_from ends_until told last_mail seats")}`,
  ],
  "GET /v1/admin/exports/customers": [
    `export customers --customer a ${filtersOf("tag metadata.a q email_status sort")}`,
  ],
  "GET /v1/admin/exports/instances": [
    `export instances --customer a ${filtersOf("license_id active seen_since seen_before q app_version_below label.a")}`,
  ],
  "POST /v1/admin/imports/customers": ["import customers FILE --dry-run"],
  "POST /v1/admin/imports/licenses": ["import licenses FILE --dry-run"],
  "POST /v1/admin/licenses/{id}/send-email": ["licenses send a --to a"],
  "GET /v1/admin/messages": [
    "messages list --status failed --kind expiry_warning --license a --to a@acme.example",
  ],
  "GET /v1/admin/messages/{id}": ["messages show a"],
  "POST /v1/admin/messages/{id}/retry": ["messages retry a"],
  "POST /v1/admin/messages/{id}/replace": ["messages replace a"],
  "POST /v1/admin/messages/retry": [
    "messages retry-all --status failed --kind expiry_warning --license a --since 2026-01-01 --until 2026-02-01",
  ],
  "GET /v1/admin/requests": ["requests list --status open --kind seats --customer a"],
  "GET /v1/admin/requests/{id}": ["requests show a"],
  "POST /v1/admin/requests/{id}/accept": [
    `requests accept a --for P1Y --days 1 --answer a --type a --terms keep --lease-days 1 --check-in-hours 1 --send ${TERMS}`,
  ],
  "POST /v1/admin/requests/{id}/decline": ["requests decline a --reason a"],
  "POST /v1/admin/webhook-endpoints": [
    "webhook-endpoints create https://a.example --events license.* --description a --include-personal --no-active",
  ],
  "GET /v1/admin/webhook-endpoints": ["webhook-endpoints list"],
  "GET /v1/admin/webhook-endpoints/{id}": ["webhook-endpoints show a"],
  "PATCH /v1/admin/webhook-endpoints/{id}": [
    "webhook-endpoints update a --url https://a.example --events license.* --description a --include-personal --active",
  ],
  "DELETE /v1/admin/webhook-endpoints/{id}": ["webhook-endpoints delete a --yes"],
  "POST /v1/admin/webhook-endpoints/{id}/rotate-secret": ["webhook-endpoints rotate-secret a --yes"],
  "POST /v1/admin/webhook-endpoints/{id}/test": ["webhook-endpoints test a"],
  "POST /v1/admin/webhook-endpoints/{id}/replay": ["webhook-endpoints replay a --from-event 1"],
  "GET /v1/admin/webhook-endpoints/{id}/deliveries": ["webhook-endpoints deliveries a"],
};

const PART = "a step of the command `backup` or `restore`, which the recovery test runs";
const PROGRAMS = "for programs that watch: they ask by HTTP";

/** Calls without a line of their own, and why. */
const EXCEPTIONS: Record<string, string> = {
  "PUT /v1/admin/entitlements/{code}": "`entitlements update` changes what is given and keeps the rest",
  "GET /v1/admin/customers/{id}/contacts/{contact_id}": "`contacts list` has all that is known of each",
  "GET /v1/admin/licenses/{id}/activations": "`instances list --license`",
  "GET /v1/admin/licenses/{id}/events": "`events list --entity`",
  "GET /v1/admin/audit-seals/status": "`audit verify` asks and judges it",
  "GET /v1/admin/audit-seals/{id}": "`audit verify` asks and judges it",
  "POST /v1/admin/backups": PART,
  "GET /v1/admin/backups/{id}/pages": PART,
  "POST /v1/admin/restores": PART,
  "PUT /v1/admin/restores/{id}/pages/{table}/{page}": PART,
  "POST /v1/admin/restores/{id}/finish": PART,
  "GET /v1/admin/health": PROGRAMS,
  "GET /v1/admin/metrics": PROGRAMS,
};

/** What no option gives. */
const LEFT: Record<string, string[]> = {
  // In the body.
  "DELETE /v1/admin/activations/{id}": ["force"],
  // From the file as a whole.
  "PUT /v1/admin/license-types/{id}": ["*"],
  "POST /v1/admin/licenses/{id}/offline-activations": ["*"],
  "POST /v1/admin/licenses/{id}/offline-deactivations": ["*"],
};

/** Pages are asked for by --limit and --all. */
const PAGING = new Set(["limit", "cursor"]);

interface Operation {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> };
}

const document = openApiDocument(endpoints, WEBHOOKS, "https://licensing.smarthaus.example") as unknown as {
  paths: Record<string, Record<string, Operation>>;
};

interface Sent {
  method: string;
  path: string;
  query: string[];
  body: string[];
}

let sent: Sent[] = [];
let folder = "";

/** Refuses everything, so that a command ends after its first request. */
const refuse: typeof fetch = async (input, init) => {
  const url = new URL(input as URL);
  const body = typeof init?.body === "string" ? (JSON.parse(init.body) as object) : {};
  sent.push({
    method: init?.method ?? "GET",
    path: url.pathname,
    query: [...url.searchParams.keys()].map((name) => name.split(".")[0] ?? ""),
    body: Object.keys(body),
  });
  await new Response(init?.body).arrayBuffer();
  return Response.json({ code: "REFUSED", title: "No" }, { status: 409 });
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-license-parity-"));
  writeFileSync(join(folder, "file.json"), "{}");
  writeFileSync(join(folder, "receipt.jwt"), "e30.e30.e30");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

/** What a line sends first. */
async function sentBy(line: string): Promise<Sent | undefined> {
  sent = [];
  vi.stubGlobal("fetch", refuse);
  vi.stubEnv("CAIO_LICENSE_URL", "https://licensing.example");
  vi.stubEnv("CAIO_LICENSE_TOKEN", "secret");
  const words = line.split(" ").map((word) => {
    if (word === "FILE") return join(folder, "file.json");
    if (word === "PLACE") return join(folder, "made.caio-license");
    return word === "RECEIPT" ? join(folder, "receipt.jwt") : word;
  });
  await createProgram()
    .parseAsync(words, { from: "user" })
    .catch(() => undefined);
  return sent[0];
}

const isAt = (path: string, template: string): boolean =>
  new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);

describe("each call of the admin API", () => {
  it("has a command, or is an exception with a reason, and not both", () => {
    const known = [...Object.keys(LINES), ...Object.keys(EXCEPTIONS)];
    expect(known.toSorted()).toEqual(API.map(nameOf).toSorted());
  });

  it.each(Object.entries(LINES))("%s is sent, with all that it takes", async (call, lines) => {
    const [method = "", template = ""] = call.split(" ");
    const { parameters = [], requestBody } = document.paths[template]![method.toLowerCase()]!;
    const all: Sent[] = [];
    for (const line of lines) {
      const first = await sentBy(line);
      expect([line, first?.method]).toEqual([line, method]);
      expect(isAt(first!.path, template), `${line}: ${first!.path}`).toBe(true);
      all.push(first!);
    }
    const asked = new Set(all.flatMap(({ query }) => query));
    const queries = parameters.filter((one) => one.in === "query" && !PAGING.has(one.name));
    const told = new Set(all.flatMap(({ body }) => body));
    const left = LEFT[call] ?? [];
    const isGiven = (name: string): boolean => asked.has(name) || (left.includes(name) && told.has(name));
    expect(queries.map(({ name }) => name).filter((name) => !isGiven(name))).toEqual([]);
    if (left.includes("*")) return;
    const members = Object.keys(requestBody?.content["application/json"]?.schema.properties ?? {});
    expect(members.filter((name) => !told.has(name))).toEqual([]);
  });
});
