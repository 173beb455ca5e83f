// The seals over the record, as a person checks them.
import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import { byHand, freshRecord, sealIds, threeSeals } from "../../support/record.ts";
import { eventsOf, newToken, rows } from "../../support/service.ts";

beforeEach(async () => {
  await freshRecord();
  await threeSeals();
});

const seals = "/admin/activity/seals";

describe("the page of the seals", () => {
  it("lists them, the latest first, and says what is not sealed yet", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const { text, html } = await visitor.get(seals);
    expect([...html.matchAll(/Check seal (\d+)/g)].map(([, id]) => Number(id))).toEqual([3, 2, 1]);
    expect(text).toContain("goes on");
    // The token and its sign-in.
    expect(text).toContain("2 events");
    expect(html).not.toContain(`${seals}/restart`);
  });

  it("says why no night goes on, and lets owners begin anew", async () => {
    const [{ up_to }] = (await rows("SELECT up_to FROM audit_seals WHERE id = 3")) as [{ up_to: number }];
    await byHand(`UPDATE events SET detail = '{"a":1}' WHERE id = ${up_to}`);
    const viewer = await (await Visitor.signInAs("viewer")).get(seals);
    expect(viewer.text).toContain("An event of seal 3, the last one, is not what was sealed.");
    expect(viewer.html).not.toContain(`${seals}/restart`);
    const owner = await Visitor.signInAs("owner");
    expect((await owner.get(seals)).html).toContain(`${seals}/restart`);
    const form = await owner.get(`${seals}/restart`);
    expect((await owner.submit(form, { reason: "" })).status).toBe(422);
    const done = await owner.submit(form, { reason: "Restored" });
    expect((await owner.get(done.location)).text).toContain("The seals begin anew");
    expect(await sealIds()).toEqual([1, 2, 3, 4]);
    expect((await owner.get(`${seals}/4`)).text).toContain("begins a new segment after seal 3");
    expect((await eventsOf("seals")).map(({ action }) => action)).toContain("record.restarted");
  });
});

describe("the page of a seal", () => {
  it("finds each event as it was sealed", async () => {
    const visitor = await Visitor.signInAs("viewer");
    for (const id of [1, 2, 3]) {
      const { text } = await visitor.get(`${seals}/${id}`);
      expect(text).toContain("each as it was sealed");
      expect(text).toContain("Head");
    }
  });

  it.each([
    ["an event that was changed", `UPDATE events SET detail = '{"a":1}' WHERE id = 6`, "Event 6 is not what"],
    ["an event that is gone", "DELETE FROM events WHERE id = 6", "Event 6 is gone."],
    [
      "a seal of another token",
      "UPDATE audit_seals SET head = 'x' WHERE id = 2",
      "does not say what its token",
    ],
    ["a seal of nobody", "UPDATE audit_seals SET token = 'a.b.c' WHERE id = 2", "is not signed with a key"],
    [
      "a seal that follows on another",
      `UPDATE audit_seals SET head = '${"0".repeat(64)}' WHERE id = 1`,
      "does not follow on 1",
    ],
    ["a seal whose forerunner is gone", "DELETE FROM audit_seals WHERE id = 1", "does not follow on 0"],
  ])("names %s", async (_, by, words) => {
    await byHand(by);
    const { text, status } = await (await Visitor.signInAs("viewer")).get(`${seals}/2`);
    expect(status).toBe(200);
    expect(text).toContain("The record is not what was sealed.");
    expect(text).toContain(words);
  });

  it("does not show an event put in below the first", async () => {
    await byHand(
      `INSERT INTO events (id, at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       VALUES (0, 1, 'license.issued', 'license', 'l', 'system', 's', 'r', '{}')`,
    );
    const { text } = await (await Visitor.signInAs("viewer")).get(`${seals}/1`);
    expect(text).toContain("Event 0 was put in");
  });

  it("is not there for a number that no seal has, or for none", async () => {
    const visitor = await Visitor.signInAs("viewer");
    expect((await visitor.get(`${seals}/4`)).status).toBe(404);
    for (const id of ["0", "-1", "x", "1.5"])
      expect((await visitor.get(`${seals}/${id}`)).status).toBeLessThan(500);
  });

  it("costs two trips, the list three", async () => {
    const { bindings, cost } = metered();
    const visitor = await Visitor.signIn((await newToken({ role: "viewer" })).token, bindings);
    for (const [path, trips] of [
      [`${seals}/2`, 2],
      [seals, 3],
    ] as const) {
      cost.trips = 0;
      await visitor.get(path);
      expect([path, cost.trips]).toEqual([path, trips]);
    }
  });
});
