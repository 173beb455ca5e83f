import { describe, expect, it } from "vitest";
import { hasOldKey } from "../../../src/licensing/instances/old-key.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { activate, admin, checkIn, newCustomer, newLicense } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

describe("an instance has the replaced key", () => {
  it.each([
    ["no key was replaced", null, 1, 2, 0, "no"],
    ["it came with the new key", 10, 10, 10, 0, "no"],
    ["it came just before and was not seen since", 10, 9, 9, 1, "yes"],
    ["it was seen just before", 10, 1, 9, 0, "yes"],
    ["it proved itself since", 10, 1, 10, 1, "no"],
    ["it came back without proof", 10, 1, 10, 0, "perhaps"],
  ] as const)("where %s", (_, replacedAt, activated_at, last_seen_at, proven, is) => {
    expect(hasOldKey({ activated_at, last_seen_at, proven }, replacedAt)).toBe(is);
  });
});

describe("the page of a license whose key was replaced", () => {
  const page = async (id: string) => (await Visitor.signInAs("viewer")).get(`/admin/licenses/${id}`);

  it("names the instances that have not taken the new one", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 5 });
    const seats = [];
    for (const instance_id of ["pod-a", "pod-b"]) seats.push((await activate(license_key, instance_id)).body);
    expect((await page(license.id)).text).not.toContain("took the place of another");
    setTime(NOW + DAY);
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "Leaked" } });
    const before = await page(license.id);
    expect(before.text).toContain("Not on it yet: pod-a, pod-b.");
    expect(before.html.match(/>old key</g)).toHaveLength(2);
    setTime(NOW + DAY + 1000);
    await checkIn(license_key, "pod-a", { certificate: seats[0].certificate });
    expect((await page(license.id)).text).toContain("Not on it yet: pod-b.");
    await checkIn(license_key, "pod-b", { certificate: seats[1].certificate });
    expect((await page(license.id)).text).toContain("All instances below have it.");
  });

  it("says so after a transfer, too", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 5 });
    await activate(license_key, "pod-a");
    setTime(NOW + DAY);
    const { id } = await newCustomer();
    await admin(`/licenses/${license.id}/transfer`, { body: { customer_id: id, reason: "Sold" } });
    expect((await page(license.id)).text).toContain("Not on it yet: pod-a.");
  });
});
