// A license as mails tell of it.
import { DAY } from "../../src/kernel/dates.ts";
import type { LicenseFacts } from "../../src/notices/templates/index.ts";

// What only the date 31 January 2027 gives as an end.
export const END = Date.UTC(2027, 1, 1, 12);

export const KEY = `${"eyJhbGciOiJFZERTQSJ9".repeat(4)}.${"Zm9v".repeat(60)}.${"c2ln".repeat(21)}`;

export const facts = (changes: Partial<LicenseFacts> = {}): LicenseFacts => ({
  product: "CAIO",
  customer_name: "Ada Price",
  company: "Acme",
  license_id: "lic_01KB6Y3QF5V9N8X2W4T7J0M1PA",
  license_type: "professional",
  expires_at: END,
  grace_until: END + 14 * DAY,
  features: ["orchestration", "api"],
  max_instances: 5,
  max_services: null,
  max_requests_per_day: 250_000,
  contact: "licensing@vendor.example",
  ...changes,
});
