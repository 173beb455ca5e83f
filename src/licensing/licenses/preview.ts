// Dry runs: what a change to a license would do to its instances. Writes nothing.
import { and, count, desc, eq, gt } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { activations } from "../../storage/schema.ts";
import { invalid } from "../../problems.ts";
import { floorToSecond, formatInstant } from "../../kernel/dates.ts";
import { entitlementsIn } from "../entitlements/inputs.ts";
import { claimsOf } from "./license-keys.ts";
import { effectsOf } from "./effects.ts";
import { getLicenseType } from "./license-types.ts";
import { type Action, moveOf, type Plan, plan } from "./lifecycle.ts";
import { endFault, licenseOf, type NewLicense, presentLicense } from "./licenses.ts";
import { refusalOf, standingOf } from "./standing.ts";

/**
 * The license that would be issued from an input, and what its key would say. No customer need be chosen yet.
 * @throws Problem REQUEST_INVALID as issuing would, NOT_FOUND for an unknown type
 */
export async function previewIssue(context: Context, input: NewLicense) {
  allow(context, "licenses");
  const now = context.clock.now();
  const type = await getLicenseType(context, input.license_type);
  const entitled = await entitlementsIn(context, input.entitlements);
  const license = licenseOf(input, type, entitled, "lic_…", floorToSecond(now), now);
  const fault = endFault(license, now);
  if (fault !== null) throw invalid("expires_at", fault);
  return { license: presentLicense(license, now), claims: claimsOf(context, license) };
}

/** How many instances are listed one by one; all are counted. */
const MAX_LISTED = 100;

/**
 * What the action would do if it were taken now.
 * @throws Problem as the action itself would
 */
export async function previewChange(context: Context, id: string, action: Action, ifMatch?: string) {
  allow(context, "licenses");
  const { decide, also } = await moveOf(context, action);
  const planned = await plan(context, id, action.action, decide, ifMatch);
  // A mail to nobody is refused. Nothing is written.
  if (Object.keys(planned.changes).length > 0) await also?.(planned.after, planned.before);
  return describe(context, planned);
}

async function describe(context: Context, { before, after, changes }: Plan) {
  const now = context.clock.now();
  const standing = standingOf(after, now);
  const live = and(
    eq(activations.license_id, after.id),
    eq(activations.ended_at, 0),
    gt(activations.lease_expires_at, now),
  );
  const { orm } = context.db;
  const [[total], rows] = await orm.batch([
    orm.select({ n: count() }).from(activations).where(live),
    orm.select().from(activations).where(live).orderBy(desc(activations.last_seen_at)).limit(MAX_LISTED),
  ]);
  const active = total?.n ?? 0;
  const refusal = refusalOf(standing);
  return {
    dry_run: true as const,
    license: presentLicense(after, now),
    changes,
    effects: effectsOf(changes, { before, after, active, now }),
    instances: {
      active,
      listed: rows.map((row) => ({
        activation_id: row.id,
        instance_id: row.instance_id,
        hostname: row.hostname,
        last_seen_at: formatInstant(row.last_seen_at),
        lease_expires_at: formatInstant(row.lease_expires_at),
        /** The refusal at its next activation or check-in; until then its certificate is valid. */
        refused_with: refusal,
      })),
    },
    limits:
      after.max_instances !== null && active > after.max_instances
        ? [{ limit: "max_instances", allowed: after.max_instances, observed: active }]
        : [],
  };
}
