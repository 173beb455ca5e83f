// One of those who put load on the service: asks for one thing after the other, and books what it is told.
import type { Chance } from "./random.ts";
import {
  type Instance,
  type Ledger,
  type Made,
  type OwnLicense,
  type Sent,
  type Target,
  TODAY,
} from "./ledger.ts";

const TIMEOUT = 20_000;

/** Whether a certificate proves its seat. Nothing here has to be verified. */
const proves = (certificate: string): boolean =>
  JSON.parse(Buffer.from(certificate.split(".")[1]!, "base64url").toString()).proven !== false;

interface Answer {
  status: number;
  body: any;
}

/** What is booked where the request was done, and where nobody knows. */
interface Booking {
  done(answer: Answer): void;
  unknown(): void;
  /** Refusals that are right; what they say of the books. */
  refused?: Record<number, () => void>;
}

export class Caller {
  readonly #ledger: Ledger;
  readonly #chance: Chance;
  readonly #name: string;
  readonly #customer: string;
  readonly #instances: Instance[] = [];
  readonly #licenses: OwnLicense[] = [];
  #serial = 0;

  constructor(ledger: Ledger, chance: Chance, name: string, customer: string) {
    this.#ledger = ledger;
    this.#chance = chance;
    this.#name = name;
    this.#customer = customer;
  }

  /** Works until the service is gone. */
  async work(target: Target): Promise<void> {
    while (await this.#next(target));
  }

  #making(made: Made): Made {
    this.#ledger.made.push(made);
    return made;
  }

  #mark(): string {
    return `${this.#name}-${++this.#serial}`;
  }

  #next(target: Target): Promise<boolean> {
    const roll = this.#chance.next();
    const instance = this.#instances.length > 0 ? this.#chance.pick(this.#instances) : null;
    const license = this.#licenses.length > 0 ? this.#chance.pick(this.#licenses) : null;
    if (roll < 0.2 || !instance) return this.#activate(target);
    if (roll < 0.45) return this.#checkIn(target, instance);
    if (roll < 0.58) return this.#deactivate(target, instance);
    if (roll < 0.7 || !license) return this.#issue(target);
    if (roll < 0.8) return this.#renew(target, license);
    if (roll < 0.87) return this.#toggle(target, license);
    if (roll < 0.94) return this.#limit(target, license);
    return this.#newCustomer(target);
  }

  #activate(target: Target): Promise<boolean> {
    const known = this.#instances.filter(({ seated }) => !seated);
    const instance =
      known.length > 3 ? this.#chance.pick(known) : this.#newInstance(this.#chance.pick(this.#ledger.shared));
    const { license, id, certificate: held } = instance;
    const body = { license_key: license.key, instance_id: id, certificate: held };
    return this.#send(
      target,
      { method: "POST", path: "/v1/activate", body, key: null },
      {
        done: ({ body: { instances, certificate } }) => {
          instance.seated = true;
          if (proves(certificate)) instance.certificate = certificate;
          if (instances.active > instance.license.limit)
            this.#ledger.faults.push(`${instances.active} seats of ${instance.license.limit} were answered`);
        },
        unknown: () => (instance.seated = null),
        refused: { 403: () => (instance.seated = false) },
      },
    );
  }

  #newInstance(license: Instance["license"]): Instance {
    const instance = {
      license,
      id: this.#mark(),
      seated: false,
      certificate: null,
      acknowledged: 0,
      told: 0,
    };
    this.#instances.push(instance);
    this.#ledger.instances.push(instance);
    return instance;
  }

  #checkIn(target: Target, instance: Instance): Promise<boolean> {
    const { license, id, certificate: held } = instance;
    // Some are asked for by who has nothing but the key.
    const certificate = this.#chance.next() < 0.1 ? null : held;
    instance.told += this.#chance.between(1, 50);
    const usage = [{ date: TODAY, requests: instance.told, services: 1 }];
    const body = { license_key: license.key, instance_id: id, usage, certificate };
    return this.#send(
      target,
      { method: "POST", path: "/v1/check-in", body, key: null },
      {
        done: ({ body: { usage_ignored, certificate: given } }) => {
          instance.seated = true;
          if (proves(given)) instance.certificate = given;
          if (usage_ignored.length === 0) instance.acknowledged = instance.told;
          if (held !== null && certificate === held && usage_ignored.length > 0)
            this.#ledger.faults.push(`${id} was taken for another one`);
        },
        unknown: () => undefined,
        refused: {
          404: () => {
            if (instance.seated) this.#ledger.faults.push(`the seat of ${id} was lost`);
          },
        },
      },
    );
  }

  #deactivate(target: Target, instance: Instance): Promise<boolean> {
    const { license, id, certificate } = instance;
    const body = { license_key: license.key, instance_id: id, certificate };
    return this.#send(
      target,
      { method: "POST", path: "/v1/deactivate", body, key: null },
      {
        done: () => {
          instance.seated = false;
          // It proves the seat that is over. Of the next one it proves nothing, even if the answer to that is lost.
          instance.certificate = null;
        },
        unknown: () => (instance.seated = null),
        refused: {
          403: () => {
            if (certificate !== null) this.#ledger.faults.push(`the seat of ${id} could not be given back`);
          },
        },
      },
    );
  }

  #issue(target: Target): Promise<boolean> {
    const mark = this.#mark();
    const mailed = this.#chance.next() < 0.5;
    const made = this.#making({ kind: "license", mark, mailed, is: "unknown" });
    const body = {
      customer_id: this.#customer,
      license_type: "professional",
      metadata: { mark },
      send_email: mailed,
    };
    return this.#send(
      target,
      { method: "POST", path: "/v1/admin/licenses", body, key: mark },
      {
        done: ({ body: { license } }) => {
          made.is = "acknowledged";
          const { id, status, max_instances, expires_at } = license;
          const own = { id, status, max_instances, expires_at, version: 1, renewals: 0, maybe: null };
          this.#licenses.push(own);
          this.#ledger.own.push(own);
        },
        unknown: () => undefined,
        // It was carried out before the service died, but its answer was not kept.
        refused: { 409: () => (made.is = "acknowledged") },
      },
    );
  }

  #newCustomer(target: Target): Promise<boolean> {
    const mark = this.#mark();
    const made = this.#making({ kind: "customer", mark, mailed: false, is: "unknown" });
    const body = { id: mark, name: `Customer ${mark}`, email: `${mark}@acme.example` };
    return this.#send(
      target,
      { method: "POST", path: "/v1/admin/customers", body, key: mark },
      {
        done: () => (made.is = "acknowledged"),
        unknown: () => undefined,
        refused: { 409: () => (made.is = "acknowledged") },
      },
    );
  }

  #renew(target: Target, license: OwnLicense): Promise<boolean> {
    const expires = new Date(Date.parse(license.expires_at) + 86_400_000).toISOString();
    const path = `/v1/admin/licenses/${license.id}/renew`;
    const wanted = { ...license, expires_at: expires };
    return this.#change(target, license, wanted, {
      method: "POST",
      path,
      body: { expires_at: expires },
      key: this.#mark(),
    });
  }

  #toggle(target: Target, license: OwnLicense): Promise<boolean> {
    const [action, status] = license.status === "active" ? ["suspend", "suspended"] : ["reinstate", "active"];
    const path = `/v1/admin/licenses/${license.id}/${action}`;
    const body = action === "suspend" ? { reason: "torture" } : {};
    const sent = { method: "POST", path, body, key: this.#mark() };
    return this.#change(target, license, { ...license, status: status }, sent);
  }

  #limit(target: Target, license: OwnLicense): Promise<boolean> {
    const max_instances = (license.max_instances ?? 0) + 1;
    const sent = {
      method: "PATCH",
      path: `/v1/admin/licenses/${license.id}`,
      body: { max_instances },
      key: null,
    };
    return this.#change(target, license, { ...license, max_instances }, sent);
  }

  #change(target: Target, license: OwnLicense, wanted: OwnLicense, sent: Sent): Promise<boolean> {
    const { status, max_instances, expires_at } = wanted;
    const done = (): void => {
      if (expires_at !== license.expires_at && status === "active") license.renewals++;
      Object.assign(license, {
        status,
        max_instances,
        expires_at,
        maybe: null,
        version: license.version + 1,
      });
    };
    return this.#send(target, sent, {
      done,
      unknown: () => (license.maybe = { status, max_instances, expires_at }),
      refused: { 409: done },
    });
  }

  /** @returns whether the service is still there */
  async #send(target: Target, sent: Sent, booking: Booking, again = false): Promise<boolean> {
    const { counts, keys, faults } = this.#ledger;
    const { method, path, body, key } = sent;
    counts.requests++;
    let answer: Answer;
    try {
      const response = await fetch(`${target.url}${path}`, {
        method,
        headers: {
          "Content-Type": "application/json",
          ...(path.startsWith("/v1/admin") ? { Authorization: `Bearer ${target.token}` } : {}),
          ...(key === null ? {} : { "Idempotency-Key": key }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      const text = await response.text();
      answer = { status: response.status, body: text === "" ? null : JSON.parse(text) };
    } catch {
      counts.unanswered++;
      booking.unknown();
      this.#ledger.unanswered.push(async (back) => {
        await this.#send(back, sent, booking, true);
      });
      return false;
    }
    if (answer.status < 300) {
      counts.acknowledged++;
      if (key !== null) keys.push(key);
      booking.done(answer);
      return true;
    }
    counts.refused++;
    const right = booking.refused?.[answer.status];
    // A 409 is for what was asked before the service died.
    if (right && (answer.status !== 409 || again)) right();
    else faults.push(`${method} ${path} → ${answer.status} ${JSON.stringify(answer.body)}`);
    return true;
  }
}
