// What a backup takes of each table. Every table is named here, and a test fails for one that is not: whoever adds a
// table decides whether it comes back, is counted again, or is nobody else's business.
import { getTableColumns } from "drizzle-orm";
import { getTableConfig, type SQLiteTable } from "drizzle-orm/sqlite-core";
import * as schema from "../storage/schema.ts";

export interface KeptTable {
  table: SQLiteTable;
  /** The columns that the primary key consists of, in its order. */
  key: string[];
  /** Columns that are in no backup, such as a secret; they come back with their default. */
  without?: string[];
  /** Rows that are in it: SQL, with the manifest's event as ?1. */
  where?: string;
  /** A column that names a row of another table: rows whose parent went while the backup was read do not come back. */
  parent?: { column: string; table: string; key: string };
  /** Who may come in: only if the caller asks for it. */
  access?: true;
}

const SEALED = "up_to <= ?1";

/**
 * The tables that come back, in the order in which they do: parents first. They are read in the opposite order, so that
 * a row is read before the row that it refers to, and a month of usage before the days that may move out of it.
 */
export const KEPT: readonly KeptTable[] = [
  // Read last: whoever is erased while a backup is read is erased again from what was read before.
  { table: schema.erasures, key: ["id"] },
  { table: schema.entitlements, key: ["code"] },
  { table: schema.licenseTypes, key: ["id"] },
  { table: schema.customers, key: ["id"] },
  { table: schema.contacts, key: ["id"], parent: { column: "customer_id", table: "customers", key: "id" } },
  {
    table: schema.customerTerms,
    key: ["term", "customer_id"],
    parent: { column: "customer_id", table: "customers", key: "id" },
  },
  { table: schema.licenses, key: ["id"] },
  { table: schema.licenseTerms, key: ["term", "license_id"] },
  { table: schema.pendingChanges, key: ["id"] },
  { table: schema.licenseSeats, key: ["license_id"] },
  { table: schema.activations, key: ["license_id", "ended_at", "instance_id"] },
  { table: schema.newInstances, key: ["day", "license_id", "instance_id"] },
  { table: schema.usage, key: ["license_id", "day", "instance_id"] },
  { table: schema.usageMonths, key: ["month", "license_id", "instance_id"] },
  { table: schema.licenseUsageMonths, key: ["month", "license_id"] },
  { table: schema.licenseMonths, key: ["license_id", "month"] },
  { table: schema.usageDays, key: ["day"] },
  { table: schema.usageWalk, key: ["only"] },
  { table: schema.overuse, key: ["license_id", "day", "limit_name"] },
  { table: schema.meterOveruse, key: ["day", "license_id", "code"] },
  { table: schema.statements, key: ["license_id", "month", "revision"] },
  // Read before the statements: what it says is closed is among them.
  { table: schema.statementWalk, key: ["only"] },
  { table: schema.silenceWalk, key: ["only"] },
  { table: schema.versionDays, key: ["day"] },
  { table: schema.timeWalk, key: ["only"] },
  { table: schema.licenseTold, key: ["license_id", "ends_at", "stage", "days", "code"] },
  { table: schema.silentInstances, key: ["license_id", "instance_id"] },
  { table: schema.licenseRefusals, key: ["license_id"] },
  { table: schema.settledAttention, key: ["license_id", "kind"] },
  // How many seats a customer freed lately still bounds how many more.
  { table: schema.portalFrees, key: ["license_id", "freed_at", "activation_id"] },
  {
    table: schema.customerRequests,
    key: ["id"],
    parent: { column: "customer_id", table: "customers", key: "id" },
  },
  {
    table: schema.portalInvitations,
    key: ["id"],
    // Whoever was invited and did not confirm yet is invited anew.
    without: ["hash"],
    parent: { column: "customer_id", table: "customers", key: "id" },
  },
  { table: schema.messages, key: ["id"] },
  { table: schema.messageWalk, key: ["only"] },
  // The record ends with the event of the backup: what comes later is only partly in the rows.
  { table: schema.events, key: ["id"], where: "id <= ?1" },
  { table: schema.auditSeals, key: ["id"], where: SEALED },
  {
    table: schema.auditMarks,
    key: ["seal", "from_id"],
    where: `seal IN (SELECT id FROM audit_seals WHERE ${SEALED})`,
  },
  { table: schema.people, key: ["email"], access: true },
  { table: schema.apiTokens, key: ["id"], access: true },
  { table: schema.sessions, key: ["id"], access: true },
  { table: schema.staffViews, key: ["actor_id"], access: true },
  {
    table: schema.webhookEndpoints,
    key: ["id"],
    // Which run has it, and how long it failed, is of the former service.
    without: ["lease", "lease_until", "failures", "failing_since", "next_try_at"],
    access: true,
  },
  {
    table: schema.webhookDeliveries,
    key: ["endpoint_id", "number"],
    where: "event_id <= ?1",
    parent: { column: "endpoint_id", table: "webhook_endpoints", key: "id" },
    access: true,
  },
];

/** Counted again from the tables above. */
export const COUNTED: readonly SQLiteTable[] = [
  schema.entitlementUses,
  schema.licenseCounts,
  schema.licenseTurns,
  schema.licenseUsage,
  schema.activationDays,
  schema.activationTotals,
];

/**
 * What only the running service has: requests of the last day, its pace, its jobs, and backups themselves. The secrets
 * of webhook endpoints, and what signs customers in, are in no backup.
 */
export const PASSING: readonly SQLiteTable[] = [
  schema.idempotencyKeys,
  schema.mailPace,
  schema.jobs,
  schema.writeProbe,
  schema.backups,
  schema.restores,
  schema.webhookSecrets,
  schema.portalLinks,
  schema.portalSessions,
];

export const nameOf = (table: SQLiteTable): string => getTableConfig(table).name;

const BY_NAME = new Map(KEPT.map((kept) => [nameOf(kept.table), kept]));

export const keptTable = (name: string): KeptTable | undefined => BY_NAME.get(name);

/** The columns that are in a backup, in their order in it. */
export const columnsOf = ({ table, without = [] }: KeptTable): string[] =>
  Object.values(getTableColumns(table))
    .map(({ name }) => name)
    .filter((name) => !without.includes(name));
