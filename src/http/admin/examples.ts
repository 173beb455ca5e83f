// The same story as staff see it: the record, figures, mail and who may sign in.
import { cellOf } from "../../licensing/sheets/exported-files.ts";
import { INSTANCE_COLUMNS } from "../../licensing/sheets/instance-exports.ts";
import { csvOf } from "../../licensing/sheets/sheets.ts";
import { CUSTOMER_USAGE_COLUMNS } from "../../licensing/usage/customer-usage.ts";
import { statementRows } from "../../licensing/usage/statements.ts";
import { ACTIVATION_ID, CUSTOMER, exportedLicense, INSTANCE, instance, LICENSE } from "../examples.ts";

const csvRow = (row: object): string =>
  csvOf([Object.keys(row), Object.entries(row).map(([name, value]) => cellOf(name, value))]);

export const exportedCsv = csvRow(exportedLicense);

export const exportedCustomer = {
  id: CUSTOMER,
  name: "Ada Price",
  email: "ada@acme.example",
  company: "Acme",
  metadata: { crm: "4711" },
  tags: ["pilot"],
  notes: null,
  email_status: null,
  created_at: "2026-11-23T09:00:00.000Z",
  contacts: [
    {
      own: true as const,
      email: "ada@acme.example",
      name: null,
      roles: ["license", "billing", "technical"],
      language: null,
      portal: false,
      email_status: null,
      created_at: "2026-11-23T09:00:00.000Z",
    },
  ],
  portal: true,
};

export const exportedCustomersCsv = csvRow(exportedCustomer);

export const exportedInstance = { ...instance, customer_id: CUSTOMER, customer: "Acme" };

export const exportedInstancesCsv = csvOf([
  [...INSTANCE_COLUMNS],
  INSTANCE_COLUMNS.map((name) => cellOf(name, exportedInstance[name])),
]);

export const entitlementTerms = {
  name: "Tokens",
  kind: "meter",
  unit: "tokens",
  aggregate: "sum",
  period: "month",
  over: "warn",
};

export const newEntitlement = { code: "tokens", ...entitlementTerms };

export const entitlement = {
  ...newEntitlement,
  default: null,
  created_at: "2026-11-23T09:00:00.000Z",
  updated_at: "2026-11-23T09:00:00.000Z",
};

const figures = {
  meters: { tokens: { total: 2_100_000, peak: 90_000, value: 2_000_000, days_over: 2 } },
  requests: { total: 126_300, peak: 4_210, value: 100_000, days_over: 0 },
  services: { total: 360, peak: 12, value: 50, days_over: 0 },
};

export const statement = {
  license_id: LICENSE,
  customer_id: CUSTOMER,
  month: "2026-11",
  revision: 1,
  previous: null,
  ...figures,
  days_without_report: ["2026-11-29"],
  closed_at: null,
  statement: null,
  hash: null,
};

export const statementCsv = csvOf(statementRows(statement));

export const customerUsage = {
  customer_id: CUSTOMER,
  period: { name: "2026-Q4", from: "2026-10-01", to: "2026-12-31" },
  data: [
    {
      license_id: LICENSE,
      license_type: "professional",
      months: [{ month: "2026-11", ...figures, days_without_report: ["2026-11-29"] }],
    },
  ],
  next_cursor: null,
};

export const customerUsageCsv = csvOf([
  CUSTOMER_USAGE_COLUMNS,
  [LICENSE, "professional", "2026-11", "requests", 128_000, 4_870, 5_000, 0, "2026-11-29"],
]);

export const customersCsv = csvOf([
  ["id", "name", "email", "company"],
  [CUSTOMER, "Ada Price", "ada@acme.example", "Acme"],
]);

export const licensesCsv = csvOf([
  ["customer_id", "license_type", "expires_at", "max_instances", "features"],
  [CUSTOMER, "professional", "2027-11-30", 5, "orchestration;api"],
  [CUSTOMER, "enterprise", "never", "unlimited", null],
]);

export const auditSeal = {
  id: 1,
  from_id: 1,
  up_to: 1,
  sealed_at: "2026-11-24T03:00:00.000Z",
  head: "5f2b1c9e0d7a4c55b3a19b8e6f7f3a0d4c11e7a5528f40c6a2f0b9d3c8e1f764",
  token: "eyJhbGciOiJFZERTQSIsInR5cCI6ImF1ZGl0LXNlYWwrand0In0…",
};

export const sealStatus = {
  last_event: 3,
  heads_kept: true,
  fault: null,
  keys: [
    {
      kty: "OKP",
      crv: "Ed25519",
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      kid: "2026-11-24-1",
      use: "sig",
    },
  ],
};

export const event = {
  id: 3,
  at: "2026-11-23T09:02:00.551Z",
  action: "activation.created",
  actor: { type: "instance", id: INSTANCE },
  entity: { type: "license", id: LICENSE },
  request_id: "7d3c8f5e-2f0a-4a2e-9d57-0a4f6b1f4a10",
  ip: null,
  detail: { activation_id: ACTIVATION_ID, instance_id: INSTANCE, replaces: null },
};

export const statistics = {
  total: 42,
  active: 37,
  expired: 3,
  expiring_soon: 4,
  suspended: 1,
  revoked: 1,
  by_type: { enterprise: 2, professional: 18, standard: 19, trial: 3 },
  by_standing: { active: 32, expiring: 4, grace: 1, expired: 3, scheduled: 0, suspended: 1, revoked: 1 },
  instances: { active: 68, total: 91 },
  activations_by_day: [{ date: "2026-11-23", count: 2 }],
  expirations_by_month: [{ month: "2026-11", count: 1 }],
  usage_by_day: [{ date: "2026-11-23", requests: 120_031, services: 310 }],
};

export const message = {
  id: "msg_01KB0Q5V2E8N4P6R0S1T3W5X7Z",
  kind: "license_delivery",
  status: "pending",
  license_id: LICENSE,
  customer_id: CUSTOMER,
  recipient: "ada@acme.example",
  subject: "Your CAIO license",
  attempts: 0,
  next_try_at: "2026-11-23T09:05:00.000Z",
  provider_id: null,
  last_error: null,
  reason: null,
  bounce_type: null,
  joined_to: null,
  created_at: "2026-11-23T09:05:00.000Z",
  updated_at: "2026-11-23T09:05:00.000Z",
};

export const messageWithPreview = {
  ...message,
  preview: { html: "<!doctype html>…", text: "Hello Ada Price, …", attachments: [`${LICENSE}.license`] },
};

export const newContact = {
  email: "billing@acme.example",
  name: "Grace Price",
  roles: ["billing"],
  language: "de",
};

export const contact = {
  id: "con_01KB0Q5V2E8N4P6R0S1T3W5X7Y",
  customer_id: CUSTOMER,
  ...newContact,
  portal: true,
  own: false,
  email_status: null,
  created_at: "2026-11-23T09:04:00.000Z",
  updated_at: "2026-11-23T09:04:00.000Z",
};

export const customerRequest = {
  id: "req_01KB0Q6A3F9P5R7S2T4V6X8Y0Z",
  customer_id: CUSTOMER,
  license_id: LICENSE,
  contact_id: contact.id,
  kind: "seats",
  seats: 5,
  text: "We open a second site in March.",
  status: "open",
  answer: null,
  answered_at: null,
  created_at: "2026-11-23T09:06:00.000Z",
};

export const newApiToken = { name: "Billing", role: "manager", expires_at: "2027-11-30" };

export const apiToken = {
  id: "tok_01KB0R2H8C4N6P0E9YQ3S5T7VX",
  name: "Billing",
  role: "manager",
  prefix: "caio_Q7xV2k",
  created_by: "ADMIN_TOKEN",
  created_at: "2026-11-23T09:10:00.000Z",
  expires_at: "2027-12-01T12:00:00.000Z",
  last_used_at: null,
  revoked_at: null,
};

export const madeApiToken = { api_token: apiToken, token: `${apiToken.prefix}…` };

export const personInput = { role: "viewer" };

export const person = {
  email: "grace@smarthaus.example",
  ...personInput,
  created_at: "2026-11-23T09:12:00.000Z",
  updated_at: "2026-11-23T09:12:00.000Z",
};

export const me = { actor: { type: "staff", id: apiToken.id }, role: "manager" };

export const census = {
  live: 61,
  silent: 7,
  freed: 23,
  silent_days: 3,
  counted_at: "2026-11-24T09:00:00.000Z",
};

const run = {
  last_start_at: "2026-11-24T03:00:00.412Z",
  last_end_at: "2026-11-24T03:00:09.870Z",
  last_good_at: "2026-11-24T03:00:09.870Z",
  outcome: "good",
  counts: { notices_written: 14, mails_sent: 14, queries: 31 },
  failures: [],
  late: false,
};

export const health = {
  status: "ok",
  problems: [],
  notes: [],
  jobs: { nightly: run, deliveries: { ...run, counts: { mails_sent: 0, queries: 16 } } },
  mail: { configured: true, waiting: 0, oldest_at: null, failed: 0 },
  webhook_endpoints: { active: 1, failing: 0, switched_off: 0, oldest_at: null },
  database: { bytes: 81_203_200, of: 10_000_000_000, takes_writes: true },
  backups: { bound: true, last_at: "2026-11-22T03:00:02.000Z" },
};

export const metrics = `# TYPE caio_job_late gauge
# HELP caio_job_late Whether the last good run is too long ago.
caio_job_late{job="nightly"} 0
caio_job_late{job="deliveries"} 0
# EOF
`;

export const imported = { dry_run: false, rows: 1, created: 1 };

export const importedLicenses = { dry_run: false, rows: 2, created: 2, customers_created: 0 };
