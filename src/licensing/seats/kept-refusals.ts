// The last refusals of a license, for staff who are asked why an installation does not start. They are kept after the
// answer, at most one a minute, so that refusing costs the database nothing that a fleet in trouble could use up.
import type { Context } from "../../context.ts";
import { createRecent } from "../../crypto/recent.ts";
import { dayOf, formatInstant, SECOND } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { Problem, type ProblemCode } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { ERASED } from "../../record/personal.ts";
import { named } from "../../storage/database.ts";
import type { KeptRefusal } from "../../storage/schema.ts";
import type { KeyIdentity } from "../licenses/license-keys.ts";
import { unknownLicense } from "../licenses/licenses.ts";

/** Refusals of a license that is there. Others are about the key alone. */
const KEPT = new Set<ProblemCode>([
  "LICENSE_KEY_SUPERSEDED",
  "LICENSE_EXPIRED",
  "LICENSE_SUSPENDED",
  "LICENSE_REVOKED",
  "LICENSE_NOT_STARTED",
  "ACTIVATION_LIMIT_REACHED",
  "INSTANCE_CLONED",
  "INSTANCE_NOT_ACTIVATED",
  "CERTIFICATE_REQUIRED",
  "RATE_LIMITED",
]);

const MOST = 20;

const PAUSE = 60 * SECOND;

interface Asking {
  instance_id: string;
  hostname?: string | null | undefined;
}

/** Does the work of a call; if it is refused, keeps that. @throws what the work throws */
export async function keepingRefusal<T>(
  context: Context,
  key: KeyIdentity,
  request: Asking,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && KEPT.has(error.code)) keepSoon(context, key.licenseId, request, error);
    throw error;
  }
}

/** When this isolate last kept a refusal of a license: it need not ask the database again. */
const lately = createRecent<number>(1_000);

function keepSoon(context: Context, licenseId: string, request: Asking, problem: Problem): void {
  const now = context.clock.now();
  const isExhausted = problem.code === "ACTIVATION_LIMIT_REACHED";
  const what = `${licenseId} ${isExhausted}`;
  const last = lately.get(what);
  if (last !== undefined && now >= last && now < last + PAUSE) return;
  lately.set(what, now);
  context.defer(keep(context, now, licenseId, request, problem));
}

const FIRST_OF_DAY = named(`
  INSERT INTO license_refusals (license_id, refusals, refused_at, exhausted_day)
  SELECT id, '[]', 0, :day FROM licenses WHERE id = :license
  ON CONFLICT DO UPDATE SET exhausted_day = :day WHERE exhausted_day IS NOT :day`);

/** Of a customer who was erased it is not kept where its installations go on. */
const KEEP = named(`
  INSERT INTO license_refusals (license_id, refusals, refused_at)
  SELECT l.id, json_array(json(iif(c.name = '${ERASED}', :nameless, :refusal))), :now
  FROM licenses l CROSS JOIN customers c ON c.id = l.customer_id WHERE l.id = :license
  ON CONFLICT DO UPDATE SET refused_at = :now, refusals = (
    SELECT json_group_array(json(value)) FROM (
      SELECT excluded.refusals ->> 0 AS value
      UNION ALL
      SELECT value FROM (SELECT value FROM json_each(license_refusals.refusals) ORDER BY key LIMIT ${MOST - 1})))
  WHERE NOT refused_at BETWEEN :now - ${PAUSE} + 1 AND :now`);

async function keep(
  context: Context,
  now: number,
  license: string,
  { instance_id, hostname }: Asking,
  { code, extras }: Problem,
): Promise<void> {
  const { db, ip } = context;
  const { limit, allowed, observed } = extras;
  const refusal: KeptRefusal = { at: now, code, instance_id, hostname: hostname ?? null, ip };
  const acting: Context = { ...context, actor: { type: "system", id: "seats" }, ip: null };
  await db.batch([
    ...(code === "ACTIVATION_LIMIT_REACHED"
      ? [
          db.run(FIRST_OF_DAY, { license, day: dayOf(now) }),
          recordChange(acting, now, "seats.exhausted", ["license", license], { limit, allowed, observed }),
        ]
      : []),
    db.run(KEEP, {
      license,
      now,
      refusal: JSON.stringify(refusal),
      nameless: JSON.stringify({ ...refusal, hostname: null, ip: null }),
    }),
  ]);
  if (code === "ACTIVATION_LIMIT_REACHED") context.tellSoon(context, "instance");
}

/**
 * The last refusals of a license, the latest first.
 * @throws Problem LICENSE_NOT_FOUND
 */
export async function listRefusals(context: Context, licenseId: string): Promise<KeptRefusal[]> {
  allow(context, "read");
  const { db } = context;
  const [found] = await db.batch([
    db.sql(
      `SELECT r.refusals FROM licenses l LEFT JOIN license_refusals r ON r.license_id = l.id WHERE l.id = ?`,
      licenseId,
    ),
  ]);
  const row = found!.results[0] as { refusals: string | null } | undefined;
  if (!row) throw unknownLicense(licenseId);
  return row.refusals === null ? [] : (JSON.parse(row.refusals) as KeptRefusal[]);
}

/** How many licenses that were ever refused are looked at. */
const LOOKED_AT = 2_000;

/** A refusal, and whose license it was. */
export interface FoundRefusal extends KeptRefusal {
  license_id: string;
  name: string;
  company: string | null;
}

const FIND = named(`
  SELECT found.*, c.name, c.company
  FROM (
    SELECT r.license_id, one.value ->> 'at' AS at, one.value ->> 'code' AS code,
      one.value ->> 'instance_id' AS instance_id, one.value ->> 'hostname' AS hostname, one.value ->> 'ip' AS ip,
      row_number() OVER (PARTITION BY r.license_id, one.value ->> 'instance_id' ORDER BY one.key) AS n
    FROM (SELECT license_id, refusals FROM license_refusals LIMIT ${LOOKED_AT}) r CROSS JOIN json_each(r.refusals) one
    WHERE instr(lower(r.refusals), :q) > 0 AND EXISTS (
      SELECT 1 FROM json_each(json_array(one.value ->> 'instance_id', one.value ->> 'hostname', one.value ->> 'ip')) told
      WHERE substr(lower(told.value), 1, length(:q)) = :q)
    ORDER BY at DESC) found
  CROSS JOIN licenses l ON l.id = found.license_id CROSS JOIN customers c ON c.id = l.customer_id
  WHERE n = 1 ORDER BY at DESC LIMIT :limit`);

/**
 * The last refusal of each installation whose id, host name or address begins with a text, the latest first.
 * @param q its case does not matter (in ASCII)
 */
export async function findRefusals(context: Context, q: string, limit: number): Promise<FoundRefusal[]> {
  allow(context, "read");
  const { db } = context;
  const [found] = await db.batch([db.run(FIND, { q: q.toLowerCase(), limit })]);
  return (found!.results as unknown as (FoundRefusal & { n: number })[]).map(
    ({ n: _n, ...refusal }) => refusal,
  );
}

export const presentRefusal = ({ at, ...refusal }: KeptRefusal) => ({ at: formatInstant(at), ...refusal });
