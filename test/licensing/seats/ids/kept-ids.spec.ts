// Instance ids as the field spells them, and seats that were kept under such a spelling before there was one rule.
import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { DAY, setTime } from "../../../support/clock.ts";
import { dissect, verifyPublished } from "../../../support/documents.ts";
import { metered } from "../../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  deactivate,
  eventsOf,
  newLicense,
  rows,
  validate,
} from "../../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");
const TODAY = "2026-06-01";

beforeEach(() => {
  setTime(NOW);
});

const seatsOf = async (licenseId: string): Promise<string[]> =>
  (await admin(`/activations?license_id=${licenseId}&active=true`)).body.data.map(
    ({ instance_id }: { instance_id: string }) => instance_id,
  );

const ID = "m\u00fcnchen-1";

const SPELLINGS: [string, string][] = [
  ["a blank at its end", `${ID} `],
  ["a line end, as from a file", `${ID}\r\n`],
  ["a byte order mark in front", `\ufeff${ID}`],
  ["a zero-width space at its end", `${ID}\u200b`],
  ["a decomposed accent", ID.normalize("NFD")],
];

describe.each(SPELLINGS)("an instance id with %s", (_what, spelled) => {
  it("is the same instance to every call: one seat, one id in answer, certificate and record", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const first = await activate(license_key, spelled);
    const { payload } = await verifyPublished(first.body.certificate, "activation+jwt");
    expect(payload.sub).toBe(ID);
    const again = await activate(license_key, ID);
    expect(again.body.activation_id).toBe(first.body.activation_id);
    expect((await checkIn(license_key, spelled, { certificate: again.body.certificate })).status).toBe(200);
    expect((await validate(license_key, spelled)).body.instance.instance_id).toBe(ID);
    expect(await seatsOf(license.id)).toEqual([ID]);
    const created = (await eventsOf(license.id)).at(-1)!;
    expect(JSON.parse(created.detail)).toMatchObject({ instance_id: ID });
  });

  it("is the same behind an air gap, by the API and the console", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const request = { license_key, instance_id: spelled };
    const file = await admin(`/licenses/${license.id}/offline-activations`, { body: { request } });
    expect(file.body.instance_id).toBe(ID);
    expect(dissect(file.body.certificate).payload.sub).toBe(ID);
    const visitor = await Visitor.signIn();
    const look = await visitor.submit(
      await visitor.get("/admin/air-gap"),
      { request: new File([JSON.stringify(request)], "request.json") },
      "/admin/air-gap",
    );
    expect(look.text).toContain(`Renew ${ID}?`);
    await visitor.submit(look);
    expect(await seatsOf(license.id)).toEqual([ID]);
  });

  it("is found by staff", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, ID);
    const q = encodeURIComponent(spelled);
    const found = await admin(`/activations?license_id=${license.id}&q=${q}`);
    expect(found.body.data).toHaveLength(1);
    const visitor = await Visitor.signIn();
    expect((await visitor.get(`/admin/instances?license_id=${license.id}&q=${q}`)).text).toContain(ID);
    const events = await admin(`/events?entity=${license.id}&actor=${q}`);
    expect(events.body.data.map(({ action }: { action: string }) => action)).toEqual(["activation.created"]);
  });
});

describe("an instance id", () => {
  it.each([
    ["", "Must be 1 to 128 printable characters"],
    [" \u200b\ufeff\n", "Must not be blank"],
    ["a\u0007b", "Must be 1 to 128 printable characters"],
    ["a\u200bb", "Must be 1 to 128 printable characters"],
    ["a\nb", "Must be 1 to 128 printable characters"],
    ["x".repeat(129), "Must be 1 to 128 printable characters"],
    // NFC takes this character apart.
    ["\u0958".repeat(65), "Must be 1 to 128 printable characters"],
    [" ".repeat(60_000), "Must not be blank"],
  ])("%j is refused", async (instance_id, message) => {
    const { license_key } = await newLicense();
    const { status, body } = await activate(license_key, instance_id);
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [{ path: "instance_id", message }],
    });
  });

  it.each(["x".repeat(128), `${" ".repeat(5_000)}x${"\u200b".repeat(5_000)}`, "u\u0308".repeat(128)])(
    "may be as long as 128 characters in its one spelling",
    async (instance_id) => {
      const { license_key } = await newLicense();
      expect((await activate(license_key, instance_id)).status).toBe(200);
    },
  );
});

/** A seat from before the rule: kept as the installation spells it. */
async function keptAsItCame(spelled: string, limit = 1) {
  const { license, license_key } = await newLicense({ max_instances: limit });
  const { body } = await activate(license_key, ID, {});
  await checkIn(license_key, ID, { usage: [{ date: TODAY, requests: 100, services: 3 }] });
  // Its proven lease is over, so that the next request is proven whoever makes it.
  await rows(
    "UPDATE activations SET instance_id = ?, proven_until = 0 WHERE license_id = ?",
    spelled,
    license.id,
  );
  await rows("UPDATE usage SET instance_id = ? WHERE license_id = ?", spelled, license.id);
  // Its certificate as the service signed it then: the next check-in's is the same but for its times.
  const { certificate } = (await checkIn(license_key, spelled)).body;
  return { license, license_key, certificate, activation: body.activation_id };
}

describe.each([
  ["a blank at its end", `${ID} `],
  ["a decomposed accent", ID.normalize("NFD")],
])("a seat kept under an id with %s, from before", (_what, spelled) => {
  it("stays the seat of who spells it so, at the limit too, and its certificate says that spelling", async () => {
    const { license, license_key, certificate, activation } = await keptAsItCame(spelled);
    expect(dissect(certificate).payload).toMatchObject({ sub: spelled, jti: activation });
    for (const answer of [
      await activate(license_key, spelled),
      await checkIn(license_key, spelled, { certificate }),
    ]) {
      expect(answer.body).toMatchObject({ activation_id: activation, warnings: [] });
      expect(dissect(answer.body.certificate).payload.sub).toBe(spelled);
    }
    expect((await validate(license_key, spelled)).body).toMatchObject({ valid: true });
    expect(await seatsOf(license.id)).toEqual([spelled]);
    expect((await deactivate(license_key, spelled)).status).toBe(204);
    // Given back, it is a seat like any other the next time.
    const next = await activate(license_key, spelled);
    expect(dissect(next.body.certificate).payload.sub).toBe(ID);
  });

  it("goes over to the one spelling by its certificate, and counts no usage twice", async () => {
    const { license, license_key, certificate, activation } = await keptAsItCame(spelled);
    const usage = [{ date: TODAY, requests: 120, services: 3 }];
    const moved = await checkIn(license_key, ID, { certificate, usage });
    expect(moved.body).toMatchObject({ status: "checked_in", activation_id: activation });
    expect(dissect(moved.body.certificate).payload.sub).toBe(ID);
    expect(await seatsOf(license.id)).toEqual([ID]);
    const used = await admin(`/licenses/${license.id}/usage?from=${TODAY}&to=${TODAY}`);
    expect(used.body.data).toMatchObject([{ requests: 120, instances: [{ instance_id: ID }] }]);
    // From then on nothing is left to move.
    const { bindings, cost } = metered();
    const body = { license_key, instance_id: ID, certificate: moved.body.certificate };
    expect((await call("/v1/check-in", { body, bindings })).status).toBe(200);
    expect(cost.trips).toBe(1);
  });

  it("is not moved onto the seat of another instance", async () => {
    const { license, license_key, certificate } = await keptAsItCame(spelled, 2);
    const { body } = await activate(license_key, ID);
    const answer = await checkIn(license_key, ID, { certificate });
    expect(answer.body.activation_id).toBe(body.activation_id);
    expect((await seatsOf(license.id)).toSorted()).toEqual([ID, spelled].toSorted());
  });

  it("lapses like any other, and then comes back under the one spelling", async () => {
    const { license, license_key } = await keptAsItCame(spelled);
    setTime(NOW + 31 * DAY);
    await activate(license_key, "another");
    await deactivate(license_key, "another");
    const back = await activate(license_key, spelled);
    expect(dissect(back.body.certificate).payload.sub).toBe(ID);
    expect(await seatsOf(license.id)).toEqual([ID]);
  });

  it("is found in the record by either spelling", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, ID);
    for (const actor of [spelled, ID]) {
      const { body } = await admin(`/events?entity=${license.id}&actor=${encodeURIComponent(actor)}`);
      expect(body.data).toHaveLength(1);
    }
  });
});

it("another license's certificate moves no seat", async () => {
  const theirs = await keptAsItCame(`${ID} `);
  const ours = await keptAsItCame(`${ID} `, 2);
  await checkIn(ours.license_key, ID, { certificate: theirs.certificate });
  expect(await seatsOf(theirs.license.id)).toEqual([`${ID} `]);
  expect(await seatsOf(ours.license.id)).toEqual([`${ID} `]);
});

it("an id in its one spelling costs one round trip, another one more", async () => {
  const { license_key } = await newLicense();
  const { certificate } = (await activate(license_key, ID)).body;
  for (const [instance_id, trips] of [
    [ID, 1],
    [`${ID} `, 2],
  ] as const) {
    const { bindings, cost } = metered();
    await call("/v1/activate", { body: { license_key, instance_id, certificate }, bindings });
    expect(cost.trips).toBe(trips);
    expect(cost.written).toBeLessThanOrEqual(3);
  }
});
