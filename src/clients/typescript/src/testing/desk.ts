// The license service of a drill: its licenses, and what it answers to the calls of installations.
import { instantOf } from "../clocks.ts";
import { claimOf } from "../documents.ts";
import { cleanId, cleanKey, hasMarks } from "../texts.ts";
import {
  type DrillLicense,
  type DrillTerms,
  floorToSecond,
  formatInstant,
  graceUntil,
  HOUR,
  DAY,
  entitlementClaims,
  keyClaims,
  newLicense,
  numericDate,
  presentLicense,
  standingOf,
  termsOf,
} from "./licenses.ts";
import { Problem } from "./problems.ts";
import { instanceIdOf, leaseHoursOf, requiredText, textOf, usageOf } from "./requests.ts";
import type { Ring } from "./ring.ts";
import { type Claim, detailOf, type Granted, presentSeat, refusalFor, Seats } from "./seats.ts";
import { possible } from "./usage.ts";
import { warningsOf } from "./warnings.ts";

const NOT_OURS = "The license key was not issued by this service or was altered.";
const MARKED =
  " Quotes, a name in front, and blanks or invisible characters within it were passed over; what is left is no key of this service.";

type Body = Record<string, unknown>;

interface Sold {
  license: DrillLicense;
  seats: Seats;
}

export class Desk {
  readonly #ring: Ring;
  readonly #now: () => number;
  readonly #sold = new Map<string, Sold>();
  #changedAt = 0;

  constructor(ring: Ring, now: () => number) {
    this.#ring = ring;
    this.#now = now;
  }

  /** @returns the license key */
  issue(terms: DrillTerms): Promise<string> {
    const license = newLicense(terms, this.#now());
    this.#sold.set(license.id, { license, seats: new Seats() });
    return this.keyOf(license);
  }

  /** The license to change: of a key of any revision, without a key the last one issued. @throws RangeError */
  license(licenseKey?: string): DrillLicense {
    this.#changedAt = this.#now();
    return this.#named(licenseKey).license;
  }

  /** What the instances of a license used on a day (YYYY-MM-DD), all together. */
  usageOn(date: string, licenseKey?: string): { requests: number; services: number } {
    const { requests, services } = this.#named(licenseKey).seats.usage.on(date);
    return { requests, services };
  }

  keyOf(license: DrillLicense): Promise<string> {
    return this.#ring.sign("license+jwt", keyClaims(license, this.#now()));
  }

  activate = (body: Body): Promise<object> => this.#grant("activated", body);

  checkIn = (body: Body): Promise<object> => this.#grant("checked_in", body);

  validate = async (body: Body): Promise<object> => {
    const now = this.#now();
    const id = body["instance_id"] == null ? null : instanceIdOf(body);
    const { license, seats, revision } = await this.#presented(body);
    const seat = id === null ? null : seats.live(id, now);
    const missing = id !== null && seat === null ? "INSTANCE_NOT_ACTIVATED" : null;
    const code = refusalFor(license, revision, now) ?? missing ?? "VALID";
    return {
      valid: code === "VALID",
      code,
      standing: standingOf(license, now),
      license: presentLicense(license, now),
      instance: seat && presentSeat(seat),
      server_time: formatInstant(now),
    };
  };

  deactivate = async (body: Body): Promise<null> => {
    const instanceId = instanceIdOf(body);
    const { license, seats, revision } = await this.#presented(body);
    const certified = await this.#certified(body, license, instanceId);
    seats.free(license, { instanceId, revision, certified }, this.#now());
    return null;
  };

  /** The signed revocation list. */
  revocations(): Promise<string> {
    const now = this.#now();
    const issued = Math.max(Math.floor(now / HOUR) * HOUR, floorToSecond(Math.min(this.#changedAt, now)));
    const licenses = [...this.#sold.values()]
      .map(({ license }) => license)
      .filter((license) => (graceUntil(license) ?? Infinity) > issued);
    const stopped = (status: string): string[] =>
      licenses.filter((license) => license.status === status).map(({ id }) => id);
    return this.#ring.sign("revocations+jwt", {
      iat: numericDate(issued),
      exp: numericDate(issued + 7 * DAY),
      revoked: stopped("revoked"),
      suspended: stopped("suspended"),
      superseded: Object.fromEntries(
        licenses.filter(({ revision }) => revision > 1).map(({ id, revision }) => [id, revision]),
      ),
    });
  }

  #named(licenseKey: string | undefined): Sold {
    const sold =
      licenseKey === undefined
        ? [...this.#sold.values()].at(-1)
        : this.#sold.get(claimOf(cleanKey(licenseKey), "jti") ?? "");
    if (!sold) throw new RangeError("The drill has issued no such license.");
    return sold;
  }

  async #presented(body: Body): Promise<Sold & { revision: number; key: string }> {
    const text = requiredText(body, "license_key");
    const key = cleanKey(text);
    const claims = await this.#ring.verify("license+jwt", key);
    const { jti, rev } = claims ?? {};
    if (typeof jti !== "string" || typeof rev !== "number")
      throw new Problem("LICENSE_KEY_INVALID", `${NOT_OURS}${hasMarks(text) ? MARKED : ""}`);
    const sold = this.#sold.get(jti);
    if (!sold) throw new Problem("LICENSE_NOT_FOUND", "The license of this key does not exist any more.");
    return { ...sold, revision: rev, key };
  }

  /** The activation that the certificate of a request proves. */
  async #certified(body: Body, { id }: DrillLicense, instanceId: string): Promise<string | null> {
    const certificate = textOf(body, "certificate");
    const claims = certificate && (await this.#ring.verify("activation+jwt", cleanKey(certificate)));
    if (!claims || claims["proven"] === false || claims["license_id"] !== id) return null;
    return cleanId(String(claims["sub"])) === instanceId ? String(claims["jti"]) : null;
  }

  async #grant(status: "activated" | "checked_in", body: Body): Promise<object> {
    const now = this.#now();
    const instanceId = instanceIdOf(body);
    const nonce = textOf(body, "nonce");
    const fingerprint = textOf(body, "fingerprint");
    const { license, seats, revision, key } = await this.#presented(body);
    const { days, ignored } = possible(usageOf(body), now, license.issuedAt);
    const claim: Claim = {
      instanceId,
      revision,
      certified: await this.#certified(body, license, instanceId),
      returning: status === "checked_in",
      leaseHours: leaseHoursOf(body),
      hostname: textOf(body, "hostname"),
      appVersion: textOf(body, "app_version"),
      fingerprint,
      usage: days,
    };
    const granted = seats.claim(license, claim, now);
    if (typeof granted === "string") {
      const refusal = { sub: instanceId, license_id: license.id, code: granted, iat: numericDate(now) };
      const signed = await this.#ring.sign("refusal+jwt", {
        ...refusal,
        ...(nonce === null ? {} : { nonce }),
      });
      // Too early ends by itself, so it is not signed.
      const more = granted === "LICENSE_NOT_STARTED" ? {} : { refusal: signed };
      throw new Problem(granted, detailOf(granted, license), more);
    }
    const echoed = { ...(nonce === null ? {} : { nonce }), ...(fingerprint === null ? {} : { fingerprint }) };
    const isSuperseded = revision < license.revision;
    return {
      status,
      license_id: license.id,
      customer_id: license.customerId,
      standing: standingOf(license, now),
      expires_at: instantOf(license.expiresAt),
      grace_until: instantOf(graceUntil(license)),
      ...termsOf(license),
      instances: { active: granted.active, max: license.maxInstances },
      activation_id: granted.seat.activationId,
      lease_expires_at: formatInstant(granted.leaseExpiresAt),
      check_in_at: formatInstant(granted.checkInAt),
      // The holder of a replaced key without proof may be a thief.
      license_key: isSuperseded && !granted.isProven ? key : await this.keyOf(license),
      certificate: await this.#certify(license, granted, echoed, now),
      warnings: warningsOf(license, granted, { isSuperseded, ignored }, now),
      usage_ignored: granted.isProven ? [] : days.map(({ date }) => date),
      server_time: formatInstant(now),
    };
  }

  #certify(license: DrillLicense, granted: Granted, echoed: object, now: number): Promise<string> {
    return this.#ring.sign("activation+jwt", {
      sub: granted.seat.instanceId,
      jti: granted.seat.activationId,
      iat: numericDate(now),
      exp: numericDate(granted.leaseExpiresAt),
      license_id: license.id,
      customer_id: license.customerId,
      ...termsOf(license),
      license_expires_at: instantOf(license.expiresAt),
      grace_until: instantOf(graceUntil(license)),
      ...(license.updatesUntil === null ? {} : { updates_until: formatInstant(license.updatesUntil) }),
      ...entitlementClaims(license, now),
      check_in_at: formatInstant(granted.checkInAt),
      ...(granted.isProven ? {} : { proven: false }),
      ...echoed,
    });
  }
}
