// What the admin API can do, the console can do too: each call has its place here, or its name among the exceptions.
import { describe, expect, it } from "vitest";
import { ContactChanges, NewContact } from "../../../src/licensing/customers/contact-rows.ts";
import { CustomerChanges, NewCustomer } from "../../../src/licensing/customers/customers.ts";
import {
  LicenseChanges,
  Reinstatement,
  Renewal,
  Transfer,
} from "../../../src/licensing/licenses/decisions.ts";
import { IssueRequest } from "../../../src/licensing/licenses/licenses.ts";
import { API, CONSOLE, nameOf } from "../../access/calls.ts";
import { Visitor } from "../../support/console.ts";
import { newCustomer, newLicense } from "../../support/service.ts";

/** The call, and the page or form that does the same. Reading is a GET; doing is a POST. */
const PLACES: Record<string, string> = {
  "POST /v1/admin/customers": "POST /admin/customers/new",
  "GET /v1/admin/customers": "GET /admin/customers",
  "GET /v1/admin/customers/{id}": "GET /admin/customers/{id}",
  "PATCH /v1/admin/customers/{id}": "POST /admin/customers/{id}/edit",
  "DELETE /v1/admin/customers/{id}": "POST /admin/customers/{id}/delete",
  "GET /v1/admin/customers/{id}/usage": "GET /admin/customers/{id}/usage",
  "POST /v1/admin/customers/{id}/suspend": "POST /admin/customers/{id}/suspend",
  "POST /v1/admin/customers/{id}/reinstate": "POST /admin/customers/{id}/reinstate",
  "POST /v1/admin/customers/{id}/sign-out": "POST /admin/customers/{id}/sign-out",
  "POST /v1/admin/customers/{id}/erase": "POST /admin/customers/{id}/erase",
  "GET /v1/admin/customers/{id}/data": "POST /admin/customers/{id}/data",
  "POST /v1/admin/customers/{id}/contacts": "POST /admin/customers/{id}/contacts/new",
  "GET /v1/admin/customers/{id}/contacts": "GET /admin/customers/{id}",
  "GET /v1/admin/customers/{id}/contacts/{contact_id}": "GET /admin/customers/{id}",
  "PATCH /v1/admin/customers/{id}/contacts/{contact_id}":
    "POST /admin/customers/{id}/contacts/{contact_id}/edit",
  "DELETE /v1/admin/customers/{id}/contacts/{contact_id}":
    "POST /admin/customers/{id}/contacts/{contact_id}/remove",
  "POST /v1/admin/customers/{id}/contacts/{contact_id}/erase":
    "POST /admin/customers/{id}/contacts/{contact_id}/erase",
  "GET /v1/admin/license-types": "GET /admin/settings/license-types",
  "GET /v1/admin/license-types/{id}": "GET /admin/settings/license-types/{id}",
  "PUT /v1/admin/license-types/{id}": "POST /admin/settings/license-types/{id}/edit",
  "DELETE /v1/admin/license-types/{id}": "POST /admin/settings/license-types/{id}/delete",
  "GET /v1/admin/entitlements": "GET /admin/settings/entitlements",
  "POST /v1/admin/entitlements": "POST /admin/settings/new-entitlement",
  "GET /v1/admin/entitlements/{code}": "GET /admin/settings/entitlements",
  "PUT /v1/admin/entitlements/{code}": "POST /admin/settings/entitlements/{code}/edit",
  "PATCH /v1/admin/entitlements/{code}": "POST /admin/settings/entitlements/{code}/edit",
  "DELETE /v1/admin/entitlements/{code}": "POST /admin/settings/entitlements/{code}/delete",
  "POST /v1/admin/licenses": "POST /admin/licenses/new",
  "GET /v1/admin/licenses": "GET /admin/licenses",
  "GET /v1/admin/licenses/{id}": "GET /admin/licenses/{id}",
  "PATCH /v1/admin/licenses/{id}": "POST /admin/licenses/{id}/edit",
  "GET /v1/admin/licenses/{id}/usage": "GET /admin/licenses/{id}",
  "GET /v1/admin/licenses/{id}/statements/{month}": "GET /admin/licenses/{id}/statements/{month}",
  "PUT /v1/admin/licenses/{id}/usage/{date}/{instance_id}": "POST /admin/licenses/{id}/correct-usage",
  "GET /v1/admin/licenses/{id}/key": "GET /admin/licenses/{id}/key",
  "POST /v1/admin/licenses/{id}/renew": "POST /admin/licenses/{id}/renew",
  "POST /v1/admin/licenses/{id}/suspend": "POST /admin/licenses/{id}/suspend",
  "POST /v1/admin/licenses/{id}/revoke": "POST /admin/licenses/{id}/revoke",
  "POST /v1/admin/licenses/{id}/reinstate": "POST /admin/licenses/{id}/reinstate",
  "POST /v1/admin/licenses/{id}/reissue": "POST /admin/licenses/{id}/reissue",
  "POST /v1/admin/licenses/{id}/transfer": "POST /admin/licenses/{id}/transfer",
  "GET /v1/admin/licenses/{id}/pending-changes": "GET /admin/licenses/{id}",
  "DELETE /v1/admin/licenses/{id}/pending-changes/{change_id}":
    "POST /admin/licenses/{id}/changes/{change_id}/cancel",
  "POST /v1/admin/licenses/{id}/pending-changes/{change_id}/release":
    "POST /admin/licenses/{id}/changes/{change_id}/release",
  "GET /v1/admin/licenses/{id}/activations": "GET /admin/licenses/{id}",
  "GET /v1/admin/licenses/{id}/events": "GET /admin/licenses/{id}",
  "GET /v1/admin/licenses/{id}/refusals": "GET /admin/licenses/{id}",
  "POST /v1/admin/licenses/{id}/offline-activations": "POST /admin/air-gap/license-file",
  "POST /v1/admin/licenses/{id}/offline-deactivations": "POST /admin/air-gap/receipt",
  "POST /v1/admin/licenses/{id}/send-email": "POST /admin/licenses/{id}/send",
  "POST /v1/admin/licenses/{id}/settle": "POST /admin/licenses/{id}/settle/{kind}",
  "POST /v1/admin/licenses/{id}/unsettle": "POST /admin/licenses/{id}/unsettle/{kind}",
  "GET /v1/admin/attention": "GET /admin",
  "GET /v1/admin/attention/settled": "GET /admin/attention/settled",
  "GET /v1/admin/requests": "GET /admin/requests",
  "GET /v1/admin/requests/{id}": "GET /admin/requests/{id}",
  "POST /v1/admin/requests/{id}/accept": "POST /admin/requests/{id}/accept",
  "POST /v1/admin/requests/{id}/decline": "POST /admin/requests/{id}/decline",
  "GET /v1/admin/search": "GET /admin/search",
  "GET /v1/admin/activations": "GET /admin/instances",
  "GET /v1/admin/activations/{id}": "GET /admin/instances/{id}",
  "DELETE /v1/admin/activations/{id}": "POST /admin/instances/{id}/free",
  "POST /v1/admin/activations/{id}/clear-clone": "POST /admin/instances/{id}/clear-clone",
  "GET /v1/admin/statistics": "GET /admin",
  "GET /v1/admin/statistics/versions": "GET /admin/figures",
  "GET /v1/admin/events": "GET /admin/activity",
  "GET /v1/admin/audit-seals": "GET /admin/activity/seals",
  "GET /v1/admin/audit-seals/{id}": "GET /admin/activity/seals/{id}",
  "GET /v1/admin/audit-seals/status": "GET /admin/activity/seals",
  "POST /v1/admin/audit-seals/restart": "POST /admin/activity/seals/restart",
  "GET /v1/admin/me": "GET /admin",
  "GET /v1/admin/exports/licenses": "POST /admin/exports/licenses",
  "GET /v1/admin/exports/customers": "POST /admin/exports/customers",
  "GET /v1/admin/exports/instances": "POST /admin/exports/instances",
  "POST /v1/admin/imports/customers": "POST /admin/imports",
  "POST /v1/admin/imports/licenses": "POST /admin/imports",
  "GET /v1/admin/messages": "GET /admin/messages",
  "GET /v1/admin/messages/{id}": "GET /admin/messages/{id}",
  "POST /v1/admin/messages/{id}/replace": "POST /admin/messages/{id}/replace",
  "POST /v1/admin/messages/{id}/retry": "POST /admin/messages/{id}/retry",
  "POST /v1/admin/messages/retry": "POST /admin/messages/retry",
  "POST /v1/admin/api-tokens": "POST /admin/settings/api-tokens/new",
  "GET /v1/admin/api-tokens": "GET /admin/settings/api-tokens",
  "DELETE /v1/admin/api-tokens/{id}": "POST /admin/settings/api-tokens/{id}/revoke",
  "GET /v1/admin/people": "GET /admin/settings/people",
  "PUT /v1/admin/people/{email}": "POST /admin/settings/people/{email}/role",
  "DELETE /v1/admin/people/{email}": "POST /admin/settings/people/{email}/remove",
  "POST /v1/admin/webhook-endpoints": "POST /admin/settings/webhook-endpoints/new",
  "GET /v1/admin/webhook-endpoints": "GET /admin/settings/webhook-endpoints",
  "GET /v1/admin/webhook-endpoints/{id}": "GET /admin/settings/webhook-endpoints/{id}",
  "PATCH /v1/admin/webhook-endpoints/{id}": "POST /admin/settings/webhook-endpoints/{id}/edit",
  "DELETE /v1/admin/webhook-endpoints/{id}": "POST /admin/settings/webhook-endpoints/{id}/delete",
  "POST /v1/admin/webhook-endpoints/{id}/rotate-secret":
    "POST /admin/settings/webhook-endpoints/{id}/rotate-secret",
  "POST /v1/admin/webhook-endpoints/{id}/test": "POST /admin/settings/webhook-endpoints/{id}/test",
  "POST /v1/admin/webhook-endpoints/{id}/replay": "POST /admin/settings/webhook-endpoints/{id}/replay",
  "GET /v1/admin/webhook-endpoints/{id}/deliveries": "GET /admin/settings/webhook-endpoints/{id}",
};

const BY_COMMAND = "a backup is a stream of files far larger than a page: the command line carries it";
const BY_PROGRAM = "for programs that watch; the overview says what is wrong";

/** What the console leaves to others, and why. */
const EXCEPTIONS: Record<string, string> = {
  "GET /v1/admin/backups": BY_COMMAND,
  "POST /v1/admin/backups": BY_COMMAND,
  "GET /v1/admin/backups/{id}/pages": BY_COMMAND,
  "POST /v1/admin/restores": BY_COMMAND,
  "PUT /v1/admin/restores/{id}/pages/{table}/{page}": BY_COMMAND,
  "POST /v1/admin/restores/{id}/finish": BY_COMMAND,
  "GET /v1/admin/health": BY_PROGRAM,
  "GET /v1/admin/metrics": BY_PROGRAM,
  "GET /v1/admin/statistics/instances": "the list of instances answers by version and label",
};

describe("each call of the admin API", () => {
  const declared = API.map(nameOf);

  it("has a place in the console, or is an exception with a reason, and not both", () => {
    const known = [...Object.keys(PLACES), ...Object.keys(EXCEPTIONS)];
    expect(known.toSorted()).toEqual(declared.toSorted());
  });

  it.each(Object.entries(PLACES))("%s is done for the same roles at %s", (call, place) => {
    const rule = API.find((one) => nameOf(one) === call);
    const door = CONSOLE.find((one) => nameOf(one) === place);
    expect(door?.lowest).toBe(rule?.lowest);
  });
});

/** The members of a verb's input that a form names otherwise. */
const FIELDS: Record<string, string> = {
  expires_at: "ends_on",
  expires_in: "ends_count",
  expires_days: "ends_count",
};

const fieldsOf = async (visitor: Visitor, path: string): Promise<string> => (await visitor.get(path)).html;

/** The members without a field of their own in the form. */
const missingIn = (html: string, schema: { shape: object }, left: string[] = []): string[] =>
  Object.keys(schema.shape).filter(
    (member) => !left.includes(member) && !html.includes(`name="${FIELDS[member] ?? member}`),
  );

describe("each member of a call's input", () => {
  it("has a field where a license is issued, changed, renewed, transferred and reinstated", async () => {
    const visitor = await Visitor.signInAs("owner");
    await visitor.fill("/admin/settings/new-entitlement", {
      code: "parity",
      name: "Parity",
      kind: "limit",
    });
    const { license } = await newLicense();
    const at = `/admin/licenses/${license.id}`;
    expect(missingIn(await fieldsOf(visitor, "/admin/licenses/new"), IssueRequest, ["entitlements"])).toEqual(
      [],
    );
    const edit = await fieldsOf(visitor, `${at}/edit`);
    // Perpetual has a box only where there is an end.
    expect(missingIn(edit, LicenseChanges, ["entitlements"])).toEqual([]);
    expect(edit).toContain('name="entitlement.parity"');
    expect(edit).toContain('name="effective_at"');
    // Somebody to choose from.
    await newCustomer();
    const renew = await fieldsOf(visitor, `${at}/renew`);
    expect(missingIn(renew, Renewal)).toEqual([]);
    expect(missingIn(await fieldsOf(visitor, `${at}/transfer`), Transfer)).toEqual([]);
    await visitor.fill(`${at}/suspend`, { reason: "Unpaid" });
    expect(missingIn(await fieldsOf(visitor, `${at}/reinstate`), Reinstatement)).toEqual([]);
  });

  it("has a field where a customer and a contact are made and changed", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { id } = await newCustomer();
    const at = `/admin/customers/${id}`;
    expect(missingIn(await fieldsOf(visitor, "/admin/customers/new"), NewCustomer)).toEqual([]);
    expect(missingIn(await fieldsOf(visitor, `${at}/edit`), CustomerChanges)).toEqual([]);
    expect(missingIn(await fieldsOf(visitor, `${at}/contacts/new`), NewContact)).toEqual([]);
    expect(ContactChanges.shape.roles).toBeDefined();
  });
});

describe("a license's own days of notice, and its metadata", () => {
  it("are entered, changed and taken back", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { license } = await newLicense();
    const at = `/admin/licenses/${license.id}/edit`;
    const read = async () => {
      const { forms } = await visitor.get(at);
      const fields = Object.fromEntries(forms.find(({ action }) => action === at)!.fields);
      return [fields["notice_days"], JSON.parse(fields["metadata"] || "null")];
    };
    expect(await read()).toEqual(["", null]);
    await visitor.fill(at, { notice_days: "20, 5", metadata: '{"crm": "4711"}' });
    expect(await read()).toEqual(["20 5", { crm: "4711" }]);
    await visitor.fill(at, { notice_days: "None" });
    expect(await read()).toEqual(["none", { crm: "4711" }]);
    await visitor.fill(at, { notice_days: "", metadata: "" });
    expect(await read()).toEqual(["", null]);
  });

  it("are refused by name if they cannot be", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { license } = await newLicense();
    const at = `/admin/licenses/${license.id}/edit`;
    const page = await visitor.get(at);
    for (const [field, value] of [
      ["notice_days", "soon"],
      ["notice_days", "366"],
      ["notice_days", "none 5"],
      ["metadata", "{crm}"],
    ] as const) {
      const { status, html } = await visitor.submit(page, { [field]: value }, at);
      expect([value, status]).toEqual([value, 422]);
      expect(html).toContain(`id="${field}-fault"`);
    }
  });

  it("of another type begin anew", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { license } = await newLicense({ notice_days: [3] });
    const at = `/admin/licenses/${license.id}/edit`;
    const looked = await visitor.submit(
      await visitor.get(at),
      { license_type: "enterprise", terms: "type", look: "yes" },
      at,
    );
    await visitor.submit(looked, { look: undefined }, at);
    const { forms } = await visitor.get(at);
    const fields = Object.fromEntries(forms.find(({ action }) => action === at)!.fields);
    expect(fields).toMatchObject({ license_type: "enterprise", notice_days: "" });
  });
});
