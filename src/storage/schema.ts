// The tables of migrations/ as Drizzle sees them. The migrations are authoritative; a test compares the two.
// Property names are the column names and also the API's field names, so rows need no renaming.
export * from "./tables/access.ts";
export * from "./tables/backups.ts";
export * from "./tables/entitlements.ts";
export * from "./tables/erasures.ts";
export * from "./tables/figures.ts";
export * from "./tables/jobs.ts";
export * from "./tables/licensing.ts";
export * from "./tables/mail.ts";
export * from "./tables/portal.ts";
export * from "./tables/record.ts";
export * from "./tables/turns.ts";
export * from "./tables/webhooks.ts";
