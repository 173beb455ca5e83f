// One story told through every example of the API reference: Acme buys a professional license and activates
// an installation. Keys and certificates are shortened; they are not real ones.

export const CUSTOMER = "acme";

export const LICENSE = "lic_01KB0Q5T9V3M7Z1D8XQ2R4S6WY";

const KEY = "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiIsInR5cCI6ImxpY2Vuc2Urand0In0.eyJpc3MiOiIuLi4ifQ.c2lnbmF0dXJl";

export const INSTANCE = "caio-7f3a9c52";

const usage = [{ date: "2026-11-24", requests: 4_210, services: 12, meters: { tokens: 120_000 } }];

const terms = {
  features: ["orchestration", "api", "analytics"],
  max_instances: 5,
  max_services: 50,
  max_requests_per_day: 100_000,
};

const unprovenTerms = { unproven_lease_hours: 72, clone_policy: "warn" };

export const newCustomer = { id: CUSTOMER, name: "Ada Price", email: "ada@acme.example", company: "Acme" };

export const customer = {
  ...newCustomer,
  metadata: {},
  created_at: "2026-11-23T09:00:00.000Z",
  updated_at: "2026-11-23T09:00:00.000Z",
  email_status: null,
  notes: null,
  tags: [],
  portal: true,
};

export const licenseType = {
  id: "professional",
  name: "Professional",
  duration: "P1Y",
  duration_days: 365,
  grace_days: 14,
  lease_days: 30,
  check_in_hours: 24,
  ...terms,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
  notice_days: [30, 14, 7, 1, 0],
  ...unprovenTerms,
  entitlements: { gpus: { value: 4 } },
};

export const newLicense = { customer_id: CUSTOMER, license_type: "professional", expires_at: "2027-11-30" };

const shownTerms = {
  id: LICENSE,
  customer_id: CUSTOMER,
  license_type: "professional",
  status: "active",
  standing: "active",
  revision: 1,
  issued_at: "2026-11-23T09:01:00.000Z",
  starts_at: null,
  expires_at: "2027-12-01T12:00:00.000Z",
  grace_days: 14,
  grace_until: "2027-12-15T12:00:00.000Z",
  lease_days: 30,
  check_in_hours: 24,
  ...terms,
  ...unprovenTerms,
  updates_until: null,
  entitlements: { gpus: { value: 8, until: "2027-07-01T12:00:00.000Z" }, sso: { value: true } },
};

const {
  id: _id,
  created_at: _created,
  updated_at: _updated,
  duration_days: _shown,
  ...typeTerms
} = licenseType;

export const licenseTypeTerms = typeTerms;

export const license = {
  ...shownTerms,
  metadata: {},
  updated_at: "2026-11-23T09:01:00.412Z",
  notice_days: null,
  notes: null,
  tags: [],
};

export const issuedLicense = { license, license_key: KEY };

export const pendingChange = {
  id: "chg_01KB0S6M2J5R8T1V4X7Z9B3D6F",
  license_id: LICENSE,
  action: "renew",
  effective_at: "2027-02-28T10:00:00.000Z",
  input: { expires_in: "P1Y" },
  status: "pending",
  detail: null,
  ordered_by: "ADMIN_TOKEN",
  ordered_at: "2026-11-24T09:00:00.120Z",
  released_by: null,
  updated_at: "2026-11-24T09:00:00.120Z",
};

export const exportedLicense = {
  id: LICENSE,
  customer_id: CUSTOMER,
  license_key: KEY,
  license_type: "professional",
  issued_at: shownTerms.issued_at,
  expires_at: shownTerms.expires_at,
  status: "active",
  standing: "active",
  ...terms,
  revision: 1,
  starts_at: shownTerms.starts_at,
  grace_days: shownTerms.grace_days,
  lease_days: shownTerms.lease_days,
  check_in_hours: shownTerms.check_in_hours,
  notice_days: license.notice_days,
  ...unprovenTerms,
  updates_until: shownTerms.updates_until,
  metadata: license.metadata,
  tags: license.tags,
  notes: license.notes,
  signed_until: null,
  unproven_until: null,
  term_began_at: null,
  suspension: null,
  entitlements: {},
};

export const activationRequest = {
  license_key: KEY,
  instance_id: INSTANCE,
  hostname: "caio-01.acme.example",
  app_version: "17.2.0",
  nonce: "9b1deb4d3b7d",
};

export const validationRequest = { license_key: KEY, instance_id: INSTANCE };

export const deactivationRequest = { ...validationRequest, certificate: KEY };

export const ACTIVATION_ID = "act_01KB0Q5T9V3M7Z1D8XQ2R4S6WY_K7M2Q9X4TB";

export const activation = {
  status: "activated",
  license_id: LICENSE,
  customer_id: CUSTOMER,
  license_type: "professional",
  standing: "active",
  expires_at: shownTerms.expires_at,
  grace_until: shownTerms.grace_until,
  ...terms,
  instances: { active: 1, max: 5 },
  activation_id: ACTIVATION_ID,
  lease_expires_at: "2026-12-23T09:02:01.000Z",
  check_in_at: "2026-11-24T08:31:17.204Z",
  license_key: KEY,
  certificate: KEY,
  warnings: [],
  usage_ignored: [],
  server_time: "2026-11-23T09:02:00.551Z",
};

export const checkInRequest = { ...activationRequest, usage, certificate: KEY };

export const checkIn = { ...activation, status: "checked_in" };

export const licenseUsage = {
  license_id: LICENSE,
  from: "2026-10-26",
  to: "2026-11-24",
  max_requests_per_day: 100_000,
  max_services: 50,
  data: [
    {
      date: "2026-11-24",
      requests: 4_210,
      services: 12,
      instances: [{ instance_id: INSTANCE, requests: 4_210, services: 12, corrected: false }],
    },
  ],
};

export const usageCorrection = {
  requests: 4_210,
  services: 12,
  reason: "A load test was counted.",
};

export const correctedUsage = {
  license_id: LICENSE,
  date: "2026-11-24",
  instance_id: INSTANCE,
  requests: 4_210,
  services: 12,
  corrected_at: "2026-11-25T09:02:00.551Z",
};

export const licenseFile = {
  format: "caio-license",
  version: 1,
  issuer: "https://licensing.smarthaus.example",
  license_id: LICENSE,
  customer_id: CUSTOMER,
  instance_id: INSTANCE,
  activation_id: ACTIVATION_ID,
  issued_at: "2026-11-23T09:02:00.551Z",
  lease_expires_at: shownTerms.grace_until,
  license_expires_at: shownTerms.expires_at,
  license_key: KEY,
  certificate: KEY,
  warnings: [],
};

export const validation = {
  valid: true,
  code: "VALID",
  standing: "active",
  license: shownTerms,
  instance: {
    activation_id: ACTIVATION_ID,
    instance_id: INSTANCE,
    activated_at: "2026-11-23T09:02:00.551Z",
    last_seen_at: "2026-11-23T09:02:00.551Z",
    lease_expires_at: activation.lease_expires_at,
    check_in_at: activation.check_in_at,
    hostname: activationRequest.hostname,
    app_version: activationRequest.app_version,
  },
  server_time: "2026-11-23T09:03:00.018Z",
};

export const instance = {
  id: ACTIVATION_ID,
  license_id: LICENSE,
  instance_id: INSTANCE,
  active: true,
  activated_at: "2026-11-23T09:02:00.551Z",
  last_seen_at: "2026-11-24T08:31:40.113Z",
  lease_expires_at: "2026-12-24T08:31:41.000Z",
  check_in_at: "2026-11-25T08:02:09.870Z",
  ended_at: null,
  ended_by: null,
  replaces: null,
  fingerprint: null,
  fingerprint_changed_at: null,
  clone_suspected_at: null,
  offline: false,
  key_since: null,
  freed_at: null,
  hostname: activationRequest.hostname,
  app_version: activationRequest.app_version,
  labels: null,
  ip: "192.0.2.10",
  usage: { date: "2026-11-24", requests: 4_210, services: 12 },
  proven_until: "2026-12-24T08:31:41.000Z",
  unproven: [
    {
      date: "2026-11-23",
      requests: 1,
      last_at: "2026-11-23T09:10:12.004Z",
      ip: "192.0.2.10",
      hostname: activationRequest.hostname,
    },
  ],
};

export const runningInstance = {
  activation_id: ACTIVATION_ID,
  instance_id: INSTANCE,
  hostname: activationRequest.hostname,
  ip: "192.0.2.10",
  activated_at: "2026-11-23T09:02:00.551Z",
  last_seen_at: "2026-11-24T08:31:40.113Z",
  lease_expires_at: "2026-12-24T08:31:41.000Z",
  proven: true,
  offline: false,
  freed: false,
  refused_with: null,
};

export const jwks = {
  keys: [
    {
      kty: "OKP",
      crv: "Ed25519",
      x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
      use: "sig",
    },
  ],
};
