// The last refusals of a license, kept after the answer.
import { describe, expect, it } from "vitest";
import { setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  deactivate,
  eventsOf,
  newLicense,
  unique,
} from "../../support/service.ts";

const START = Date.parse("2034-05-05T10:00:00.000Z");
const MINUTE = 60_000;

const refusalsOf = async (id: string): Promise<Record<string, unknown>[]> =>
  (await admin(`/licenses/${id}/refusals`)).body.data;

const exhaustedOf = async (id: string) =>
  (await eventsOf(id))
    .filter(({ action }) => action === "seats.exhausted")
    .map(({ detail }) => JSON.parse(detail));

describe("a refusal", () => {
  it("is kept with its code, the instance, its host and address, the latest first", async () => {
    setTime(START);
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "box-1");
    const refused = await call("/v1/activate", {
      body: { license_key, instance_id: "box-2", hostname: "caio-7c9f" },
      headers: { "CF-Connecting-IP": "192.0.2.7" },
    });
    expect(refused.body.code).toBe("ACTIVATION_LIMIT_REACHED");
    setTime(START + MINUTE);
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    await checkIn(license_key, "box-1");
    expect(await refusalsOf(license.id)).toEqual([
      {
        at: "2034-05-05T10:01:00.000Z",
        code: "LICENSE_SUSPENDED",
        instance_id: "box-1",
        hostname: null,
        ip: null,
      },
      {
        at: "2034-05-05T10:00:00.000Z",
        code: "ACTIVATION_LIMIT_REACHED",
        instance_id: "box-2",
        hostname: "caio-7c9f",
        ip: "192.0.2.7",
      },
    ]);
  });

  it("of every call is kept", async () => {
    setTime(START);
    const { license, license_key } = await newLicense();
    await checkIn(license_key, "box-1");
    await activate(license_key, "box-1");
    setTime(START + MINUTE);
    await deactivate(license_key, "box-1", { certificate: undefined });
    setTime(START + 2 * MINUTE);
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "x", unproven_hours: 0 } });
    await activate(license_key, "box-9");
    expect((await refusalsOf(license.id)).map(({ code }) => code)).toEqual([
      "LICENSE_KEY_SUPERSEDED",
      "CERTIFICATE_REQUIRED",
      "INSTANCE_NOT_ACTIVATED",
    ]);
  });

  it("is one of twenty, and one a minute", async () => {
    setTime(START);
    const { license, license_key } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    for (let n = 0; n < 23; n++) {
      setTime(START + n * MINUTE);
      await activate(license_key, `box-${n}`);
      setTime(START + n * MINUTE + MINUTE - 1);
      await activate(license_key, `late-${n}`);
    }
    expect((await refusalsOf(license.id)).map(({ instance_id }) => instance_id)).toEqual(
      Array.from({ length: 20 }, (_, n) => `box-${22 - n}`),
    );
  });

  it("writes one row a minute, in the database too, where another isolate kept one", async () => {
    setTime(START);
    const { license, license_key } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    const cost = async (instance_id: string): Promise<number> => {
      const meter = metered();
      await call("/v1/activate", { body: { license_key, instance_id }, bindings: meter.bindings });
      return meter.cost.written;
    };
    expect(await cost("box-1")).toBe(1);
    expect(await cost("box-2")).toBe(0);
    // As after 60 seconds of another isolate: this one does not remember.
    const { license: other, license_key: key } = await newLicense();
    await admin(`/licenses/${other.id}/suspend`, { body: { reason: "x" } });
    await env.DB.prepare(
      "INSERT INTO license_refusals (license_id, refusals, refused_at) VALUES (?, '[]', ?)",
    )
      .bind(other.id, START - MINUTE + 1)
      .run();
    const meter = metered();
    await call("/v1/activate", { body: { license_key: key, instance_id: "x" }, bindings: meter.bindings });
    expect(meter.cost.written).toBe(0);
    expect(await refusalsOf(other.id)).toEqual([]);
  });

  it("of a key that is none, or of a license that is not there, is kept nowhere", async () => {
    const { license, license_key } = await newLicense();
    await activate(`${license_key}x`, "box-1");
    await activate("nonsense", "box-1");
    expect(await refusalsOf(license.id)).toEqual([]);
    expect((await admin("/licenses/lic_none/refusals")).status).toBe(404);
  });
});

describe("seats that run out", () => {
  it("are an event, the first time on a day (UTC)", async () => {
    setTime("2034-05-05T23:58:00.000Z");
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, unique("box"));
    for (const time of ["23:58:00", "23:58:30", "23:59:59.999"]) {
      setTime(`2034-05-05T${time}Z`);
      await activate(license_key, unique("box"));
    }
    const told = { limit: "max_instances", allowed: 1, observed: 1 };
    expect(await exhaustedOf(license.id)).toEqual([told]);
    setTime("2034-05-06T00:00:59.999Z");
    await activate(license_key, unique("box"));
    expect(await exhaustedOf(license.id)).toEqual([told, told]);
  });

  it("are told also where another refusal was kept in the same minute", async () => {
    setTime(START);
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "box-1");
    await deactivate(license_key, "box-1", { certificate: undefined });
    await activate(license_key, "box-2");
    expect(await exhaustedOf(license.id)).toHaveLength(1);
    expect((await refusalsOf(license.id)).map(({ code }) => code)).toEqual(["CERTIFICATE_REQUIRED"]);
  });
});
