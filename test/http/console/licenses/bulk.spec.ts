// Several licenses at once: renewed, changed, sent, tagged, suspended, reinstated and exported.
import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import {
  activate,
  admin,
  eventsOf,
  newCustomer,
  newLicense,
  newToken,
  unique,
  rows,
} from "../../../support/service.ts";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const read = async (id: string): Promise<any> => (await admin(`/licenses/${id}`)).body;

describe("several licenses at once", () => {
  it("are suspended after a look at each; one that refuses stops none of the others", async () => {
    const { license: first } = await newLicense();
    const { license: second } = await newLicense();
    const { license: ended } = await newLicense();
    await admin(`/licenses/${ended.id}/revoke`, { body: { reason: "x" } });
    const ids = [first.id, ended.id, second.id];
    const query = ids.map((id) => `id=${id}`).join("&");
    const form = await owner.get(`/admin/licenses/bulk?do=suspend&${query}`);
    expect(form.text).toContain("No instance runs on it.");
    expect(form.text).toContain("The license is revoked");
    expect(form.text).toContain("2 possible, 1 refused.");
    const done = await owner.submit(form, { reason: "Unpaid." });
    expect(done.text).toContain("2 of 3 licenses done.");
    expect((await read(first.id)).status).toBe("suspended");
    expect((await read(second.id)).status).toBe("suspended");
    for (const { id } of [first, second]) {
      const suspended = (await eventsOf(id)).find(({ action }) => action === "license.suspended");
      expect(JSON.parse(suspended!.detail)).toMatchObject({ reason: "Unpaid." });
    }
  });

  it("are renewed by the duration of their types, or by another one, with each new end shown first", async () => {
    const end = "2099-01-31";
    const { license: standard } = await newLicense({ expires_at: end });
    const { license: trial } = await newLicense({ license_type: "trial", expires_at: end });
    const { license: gone } = await newLicense({ expires_at: end });
    await admin(`/licenses/${gone.id}/revoke`, { body: { reason: "x" } });
    const path = `/admin/licenses/bulk?do=renew&id=${standard.id}&id=${trial.id}&id=${gone.id}`;
    const form = await owner.get(path);
    expect(form.text).toContain("Ends Jan 31, 2100 instead of Jan 31, 2099.");
    expect(form.text).toContain("Ends Mar 2, 2099 instead of Jan 31, 2099.");
    const looked = await owner.submit(form, { ends: "for", ends_count: "14", ends_unit: "D", look: "yes" });
    expect(looked.text.match(/Ends Feb 14, 2099 instead of/g)).toHaveLength(2);
    expect(await read(standard.id)).toMatchObject({ expires_at: standard.expires_at });
    const empty = await owner.submit(form, { ends: "for", ends_count: "" });
    expect(empty).toMatchObject({ status: 422 });
    expect(empty.html).toContain('id="ends_count-fault"');
    const done = await owner.submit(form, { ends: "for", ends_count: "1", ends_unit: "M" });
    expect(done.text).toContain("2 of 3 licenses done.");
    expect(done.text.match(/Ends Feb 28, 2099 instead of Jan 31, 2099/g)).toHaveLength(2);
    const again = await owner.submit(await owner.get(path));
    expect(again.text).toContain("Ends Feb 28, 2100 instead of");
    expect((await read(trial.id)).expires_at > (await read(standard.id)).expires_at).toBe(false);
  });

  it("get other terms, or another type with its terms, with the effect on each shown first", async () => {
    const { license: one } = await newLicense({ max_instances: 2 });
    const { license: other } = await newLicense({ max_instances: 7 });
    const path = `/admin/licenses/bulk?do=change&id=${one.id}&id=${other.id}`;
    const form = await owner.get(path);
    expect(form.text.match(/Nothing changes\./g)).toHaveLength(2);
    const looked = await owner.submit(form, { max_instances: "7", look: "yes" });
    expect(looked.text).toContain("instances: 7 instead of 2.");
    expect(looked.text.match(/Nothing changes\./g)).toHaveLength(1);
    expect(await owner.submit(form, {})).toMatchObject({ status: 422 });
    expect(await owner.submit(form, { grace_days: "-1" })).toMatchObject({ status: 422 });
    expect(await read(one.id)).toMatchObject({ max_instances: 2 });
    const done = await owner.submit(form, { max_instances: "7", grace_days: "0" });
    expect(done.text).toContain("2 of 2 licenses done.");
    for (const { id } of [one, other])
      expect(await read(id)).toMatchObject({ max_instances: 7, grace_days: 0 });
    await owner.submit(await owner.get(path), { license_type: "trial", max_services: "3" });
    const trial = (await admin("/license-types/trial")).body;
    expect(await read(one.id)).toMatchObject({
      license_type: "trial",
      max_services: 3,
      max_instances: trial.max_instances,
    });
  });

  const several = async (count: number, terms: object = {}) => {
    const { id } = await newCustomer();
    const made = await Promise.all(
      Array.from({ length: count }, () => newLicense({ customer_id: id, ...terms })),
    );
    return { customer: id, ids: made.map(({ license }) => license.id) };
  };
  const changePath = (ids: string[]) =>
    `/admin/licenses/bulk?do=change&${ids.map((id) => `id=${id}`).join("&")}`;

  it("get features and lose others, each besides those that it has, with the rest of the terms", async () => {
    const { license: one } = await newLicense({ features: ["api"] });
    const { license: other } = await newLicense({ features: ["orchestration", "sso", "api"] });
    const form = await owner.get(changePath([one.id, other.id]));
    const entered = {
      features_add: "sso orchestration",
      features_remove: "api",
      "max_instances.unlimited": "yes",
      max_services: "4",
      lease_days: "9",
      check_in_hours: "5",
      unproven_lease_hours: "7",
      clone_policy: "refuse",
      new_features: "yes",
    };
    const looked = await owner.submit(form, { ...entered, look: "yes" });
    expect(looked.text).toContain("features: with sso, with orchestration, without api;");
    expect(looked.text).toContain("features: without api;");
    expect(looked.text).toContain("instances: unlimited instead of");
    expect(looked.text).toContain("No instance runs on it.");
    const done = await owner.submit(form, entered);
    expect(done.text).toContain("2 of 2 licenses done.");
    expect(done.text).toContain("features: with sso, with orchestration, without api;");
    expect(done.text).not.toMatch(/version|updated/);
    const terms = {
      max_instances: null,
      max_services: 4,
      lease_days: 9,
      check_in_hours: 5,
      unproven_lease_hours: 7,
      clone_policy: "refuse",
    };
    expect(await read(one.id)).toMatchObject({ ...terms, features: ["sso", "orchestration"] });
    expect(await read(other.id)).toMatchObject({ ...terms, features: ["orchestration", "sso"] });
    for (const { id } of [one, other]) {
      const events = (await admin(`/licenses/${id}/events`)).body.data;
      const changes = events.filter(({ action }: { action: string }) => action === "license.changed");
      expect(changes).toHaveLength(1);
    }
    const again = await owner.get(`${changePath([one.id])}&features_add=sso&lease_days=9`);
    expect(again.text).toContain("Nothing changes.");
  });

  it("get notices of their own, none, or those of their type again", async () => {
    const { ids } = await several(2);
    await admin(`/licenses/${ids[1]}`, { method: "PATCH", body: { notice_days: [3] } });
    const noticesOf = async () =>
      Promise.all(ids.map(async (id) => (await read(id)).notice_days as number[] | null));
    const change = async (notice_days: string, more: object = {}) =>
      owner.submit(await owner.get(changePath(ids)), { notice_days, ...more });
    const looked = await change("30 7", { look: "yes" });
    expect(looked.text).toContain("notice days: 30, 7 instead of those of the type.");
    expect(looked.text).toContain("notice days: 30, 7 instead of 3.");
    await change("", { lease_days: "12" });
    expect(await noticesOf()).toEqual([null, [3]]);
    await change("30 7");
    expect(await noticesOf()).toEqual([
      [30, 7],
      [30, 7],
    ]);
    await change("None");
    expect(await noticesOf()).toEqual([[], []]);
    await change("Type");
    expect(await noticesOf()).toEqual([null, null]);
    for (const wrong of ["soon", "366", "none 5", "7 7"]) expect((await change(wrong)).status).toBe(422);
  });

  it("have the features of another type before those that are added and taken away", async () => {
    const { license } = await newLicense({ features: ["own"] });
    const { features } = (await admin("/license-types/enterprise")).body;
    await owner.submit(await owner.get(changePath([license.id])), {
      license_type: "enterprise",
      features_add: "extra",
      features_remove: features[0],
      new_features: "yes",
    });
    expect((await read(license.id)).features).toEqual([...features.slice(1), "extra"]);
  });

  it("get entitlements, change them and are left without them", async () => {
    const code = unique("gpus").replaceAll(/[^a-z0-9]/g, "");
    const flag = `${code}on`;
    const text = `${code}text`;
    for (const [one, kind] of [
      [code, "limit"],
      [flag, "flag"],
      [text, "text"],
    ])
      await admin("/entitlements", { body: { code: one, name: one, kind } });
    const { ids } = await several(2, { entitlements: { [flag]: { value: true } } });
    const form = await owner.get(changePath(ids));
    const entered = {
      [`entitlement.${code}`]: "8",
      [`entitlement.${code}.until`]: "2098-01-01",
      [`entitlement.${text}`]: "gold",
      [`entitlement.${flag}.unset`]: "yes",
    };
    const looked = await owner.submit(form, { ...entered, look: "yes" });
    expect(looked.text.match(new RegExp(`${code} 8 through Jan 1, 2098`, "g"))).toHaveLength(2);
    expect(looked.text.match(new RegExp(`without ${flag}`, "g"))).toHaveLength(2);
    expect((await owner.submit(form, entered)).text).toContain("2 of 2 licenses done.");
    for (const id of ids)
      expect((await read(id)).entitlements).toEqual({
        [code]: { value: 8, until: "2098-01-02T12:00:00.000Z" },
        [text]: { value: "gold" },
      });
    await owner.submit(await owner.get(changePath(ids)), {
      [`entitlement.${code}.unlimited`]: "yes",
      [`entitlement.${flag}`]: "false",
    });
    expect((await read(ids[0] ?? "")).entitlements).toEqual({
      [code]: { value: null },
      [flag]: { value: false },
      [text]: { value: "gold" },
    });
    for (const [field, value, and = {}] of [
      [`${code}.until`, "2098-01-01", { grace_days: "3" }],
      [code, "many"],
      [code, "-1"],
      [`${code}.until`, "2098-01-01"],
      [code, "8", { [`entitlement.${code}.unset`]: "yes" }],
      [code, "8", { [`entitlement.${code}.unlimited`]: "yes" }],
    ] as [string, string, object?][]) {
      const refused = await owner.submit(form, { [`entitlement.${field}`]: value, ...and });
      expect([field, value, refused.status]).toEqual([field, value, 422]);
    }
  });

  it("are not changed where something is wrong for all of them", async () => {
    const { ids } = await several(2, { features: ["api"] });
    const form = await owner.get(changePath(ids));
    for (const entered of [
      { features_add: "no feature!" },
      { features_add: "unheard-of", grace_days: "3" },
      { features_add: "api", features_remove: "api" },
      { max_instances: "3", "max_instances.unlimited": "yes" },
      { lease_days: "0" },
      { clone_policy: "never" },
      { send_email: "yes" },
    ]) {
      const refused = await owner.submit(form, entered);
      expect([entered, refused.status]).toEqual([entered, 422]);
    }
    for (const id of ids) {
      expect(await read(id)).toMatchObject({ features: ["api"] });
      const events = (await admin(`/licenses/${id}/events`)).body.data;
      expect(events.map(({ action }: { action: string }) => action)).toEqual(["license.issued"]);
    }
  });

  it("say what would be over its limit", async () => {
    const { license, license_key } = await newLicense({ max_instances: 3 });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    const looked = await owner.get(`${changePath([license.id])}&max_instances=2`);
    expect(looked.text).toContain("Over its limit: All 3 that run go on");
    expect((await owner.get(`${changePath([license.id])}&max_instances=4`)).text).toContain(
      "3 instances would get it at the next check-in.",
    );
  });

  it("are all that a filter finds, on all pages, step by step; what they became does not move them", async () => {
    const { customer, ids } = await several(53, { license_type: "trial" });
    const list = await owner.get(`/admin/licenses?customer_id=${customer}&limit=20&license_type=trial`);
    const [, matching] = /name="matching" value="([^"]+)"/.exec(list.html)!;
    const query = new URLSearchParams({
      do: "change",
      id: "lic_of_another_page",
      matching: matching!.replaceAll("&amp;", "&"),
    });
    const form = await owner.get(`/admin/licenses/bulk?${query.toString()}`);
    expect(form.text).toContain("The first 50 of 53 licenses");
    expect(form.html).toContain('class="wide short"');
    expect(form.text).not.toContain("lic_of_another_page");
    // Afterwards, no filter would find them.
    const entered = { license_type: "standard", lease_days: "11" };
    const first = await owner.submit(form, entered);
    const done = Number(/(\d+) of \d+ licenses done\./.exec(first.text)![1]);
    expect(done).toBeGreaterThan(20);
    let next = await owner.submit(first, { look: "yes" }, "/admin/licenses/bulk");
    expect(next.text).toContain(`${53 - done} licenses`);
    expect(next.html).toContain('value="11"');
    next = await owner.submit(next, { look: undefined }, "/admin/licenses/bulk");
    expect(next.text).toContain(`${53 - done} of ${53 - done} licenses done.`);
    expect(next.html).not.toContain("Go on");
    const changed = await rows<{ n: number }>(
      "SELECT count(*) AS n FROM licenses WHERE customer_id = ? AND lease_days = 11 AND version = 2",
      customer,
    );
    expect(changed).toEqual([{ n: ids.length }]);
  });

  it("are refused where the filter is none", async () => {
    const answer = await owner.get(
      `/admin/licenses/bulk?do=change&matching=${encodeURIComponent("nothing=1")}`,
    );
    expect(answer.status).toBe(422);
  });

  it("are tagged besides the tags that they have, and reinstated", async () => {
    const { license: first } = await newLicense({ tags: ["old"] });
    const { license: second } = await newLicense();
    const ids = `id=${first.id}&id=${second.id}`;
    const form = await owner.get(`/admin/licenses/bulk?do=tag&${ids}`);
    expect(form.text).toContain("Has old.");
    expect(await owner.submit(form, { tags: "" })).toMatchObject({ status: 422 });
    expect(await owner.submit(form, { tags: "Not-A-Tag" })).toMatchObject({ status: 422 });
    await owner.submit(await owner.get(`/admin/licenses/bulk?do=tag&${ids}`), { tags: "q3, old" });
    expect((await read(first.id)).tags).toEqual(["old", "q3"]);
    expect((await read(second.id)).tags).toEqual(["q3", "old"]);
    await admin(`/licenses/${first.id}/suspend`, { body: { reason: "x" } });
    const reinstating = await owner.get(`/admin/licenses/bulk?do=reinstate&${ids}`);
    expect(reinstating.text).toContain("Its instances go on at their next check-in.");
    expect(reinstating.text).toContain("1 possible, 1 refused.");
    expect((await owner.submit(reinstating)).text).toContain("1 of 2 licenses done.");
    expect((await read(first.id)).status).toBe("active");
  });

  it("are mailed, each to its customer", async () => {
    const { license } = await newLicense({
      customer_id: (await newCustomer({ email: "a@acme.example" })).id,
    });
    const { license: without } = await newLicense();
    const form = await owner.get(`/admin/licenses/bulk?do=send&id=${license.id}&id=${without.id}`);
    expect(form.text).toContain("The current key goes to a@acme.example.");
    expect(form.text).toMatch(/refused\s*The customer \S+ has no e-mail address/);
    const done = await owner.submit(form);
    expect(done.text).toContain("1 of 2 licenses done.");
    expect(done.text).toContain("On its way to a@acme.example.");
    expect(done.text).toContain("has no e-mail address");
  });

  it("are left alone where none of them can be mailed, before and after that is known", async () => {
    const { license } = await newLicense({
      customer_id: (await newCustomer({ email: "b@acme.example" })).id,
    });
    const form = await owner.get(`/admin/licenses/bulk?do=send&id=${license.id}`);
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    const done = await owner.submit(form);
    expect(done.html).toMatch(/<p class="note warn"[^>]*>0 of 1 license done/);
    const again = await owner.get(`/admin/licenses/bulk?do=send&id=${license.id}`);
    expect(again.text).toContain("its key is of no use to anybody");
    expect(again.html).not.toContain('action="/admin/licenses/bulk"');
  });

  it("are exported with their keys, just these", async () => {
    const { license, license_key } = await newLicense();
    const { license: other } = await newLicense();
    const form = await owner.get(`/admin/licenses/bulk-export?id=${license.id}`);
    const file = await owner.submit(form, { format: "csv" });
    expect(file.headers.get("Content-Disposition")).toContain(".csv");
    expect(file.html).toContain(license_key);
    expect(file.html).not.toContain(other.id);
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(`/admin/licenses/bulk-export?id=${license.id}`)).status).toBe(403);
  });

  it("are exported, all that were chosen, more than are done at a time", async () => {
    const { ids } = await several(52);
    const query = ids.map((id) => `id=${id}`).join("&");
    const form = await owner.get(`/admin/licenses/bulk-export?${query}`);
    expect(form.text).toContain("And 2 licenses more.");
    const file = await owner.submit(form, { format: "json" });
    expect(JSON.parse(file.html).map(({ id }: { id: string }) => id)).toEqual(ids.toSorted());
  });

  it("are nobody's business who may not", async () => {
    const manager = await Visitor.signIn((await newToken({ role: "manager" })).token);
    expect((await manager.get("/admin/licenses/bulk?do=send")).text).toContain("No license is selected.");
  });
});
