// The rules of the sealed record on made-up events; seals.spec.ts has the service's own.
import { describe, expect, it } from "vitest";
import {
  type ChainedEvent,
  checkSeal,
  checkSeals,
  GENESIS,
  hashOf,
  hideEvents,
  isGivenUp,
  type SealClaims,
} from "../../src/audit/chain.ts";

const event = (id: number, changes: Partial<ChainedEvent> = {}): ChainedEvent => ({
  id,
  at: "2026-11-24T03:00:00.000Z",
  action: "license.issued",
  actor: { type: "staff", id: "tok_1" },
  entity: { type: "license", id: "lic_1" },
  request_id: "req-1",
  ip: null,
  detail: { a: 1, b: [{ d: null, c: "x" }] },
  ...changes,
});

/** Seals events as the service does. */
async function seal(events: ChainedEvent[], number = 1, previous = GENESIS): Promise<[SealClaims, string]> {
  let head = previous;
  let marks = "";
  for (const one of events) marks += head = await hashOf(head, one);
  return [{ seal: number, from_id: events[0]!.id, up_to: events.at(-1)!.id, previous, head }, marks];
}

describe("the hash of an event", () => {
  it("is SHA-256 over the hash before it and its canonical JSON, so that anybody can compute it", async () => {
    const line =
      '{"action":"license.issued","actor":{"id":"tok_1","type":"staff"},"at":"2026-11-24T03:00:00.000Z",' +
      '"detail":{"a":1,"b":[{"c":"x","d":null}]},"entity":{"id":"lic_1","type":"license"},"id":7,"ip":null,' +
      '"request_id":"req-1"}';
    const bytes = new TextEncoder().encode(`${"0".repeat(64)}\n${line}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(await hashOf(GENESIS, event(7))).toBe(
      [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
  });

  it("does not depend on the order of members, and on nothing that is no part of an event", async () => {
    const turned = { ...event(1, { detail: { b: [{ c: "x", d: null }], a: 1 } }), more: true };
    expect(await hashOf(GENESIS, turned)).toBe(await hashOf(GENESIS, event(1)));
    const reordered = event(1, { detail: { a: 1, b: [2, 1] } });
    expect(await hashOf(GENESIS, reordered)).not.toBe(
      await hashOf(GENESIS, event(1, { detail: { a: 1, b: [1, 2] } })),
    );
  });

  it.each<Partial<ChainedEvent>>([
    { id: 2 },
    { at: "2026-11-24T03:00:00.001Z" },
    { action: "license.revoked" },
    { actor: { type: "staff", id: "tok_2" } },
    { actor: { type: "system", id: "tok_1" } },
    { entity: { type: "license", id: "lic_2" } },
    { request_id: "req-2" },
    { ip: "192.0.2.1" },
    { detail: { a: 1, b: [{ c: "y", d: null }] } },
  ])("is another one with %j", async (changes) => {
    expect(await hashOf(GENESIS, event(1, changes))).not.toBe(await hashOf(GENESIS, event(1)));
  });
});

describe("the events of a seal", () => {
  const events = [4, 5, 6, 7].map((id) => event(id));
  const before = "a".repeat(64);
  const found = async (touched: ChainedEvent[], marksOf = (marks: string) => marks): Promise<string[]> => {
    const [claims, marks] = await seal(events, 2, before);
    const findings = await checkSeal(claims, marksOf(marks), touched);
    return findings.map(({ kind, id }) => `${kind} ${id}`);
  };
  const edited = (...ids: number[]): ChainedEvent[] =>
    events.map((one) => (ids.includes(one.id) ? { ...one, action: "edited" } : one));

  it.each<[string, ChainedEvent[], string[]]>([
    ["are what was sealed", events, []],
    ["the first one edited", edited(4), ["edited 4"]],
    ["the last one edited", edited(7), ["edited 7"]],
    ["several edited", edited(4, 6), ["edited 4", "edited 6"]],
    ["the first one gone", events.slice(1), ["removed 4"]],
    ["the last one gone", events.slice(0, -1), ["removed 7"]],
    ["all gone", [], ["removed 4", "removed 5", "removed 6", "removed 7"]],
    ["one gone and one edited behind it", edited(6).filter(({ id }) => id !== 5), ["removed 5", "edited 6"]],
    ["one put in before them", [event(3), ...events], ["inserted 3"]],
    ["one put in behind them", [...events, event(8)], ["inserted 8"]],
    ["a number that is none", [...events, event(4.5)], ["inserted 4.5"]],
  ])("%s", async (_, touched, expected) => {
    expect(await found(touched)).toEqual(expected);
  });

  it.each<[string, (marks: string) => string]>([
    ["are gone", () => ""],
    ["are too short", (marks) => marks.slice(64)],
    ["end otherwise", (marks) => `${marks.slice(0, -64)}${"0".repeat(64)}`],
  ])("whose marks %s are judged by the head alone", async (_, marksOf) => {
    expect(await found(events, marksOf)).toEqual([]);
    expect(await found(edited(5), marksOf)).toEqual(["edited 7"]);
    expect(await found(events.slice(1), marksOf)).toEqual(["removed 4"]);
  });

  it("are said to be what they are", async () => {
    const [claims, marks] = await seal(events, 2, before);
    const says = async (touched: ChainedEvent[], by = marks): Promise<string> =>
      (await checkSeal(claims, by, touched))[0]!.says;
    expect(await says(edited(5))).toBe("Event 5 is not what was sealed.");
    expect(await says(events.slice(1))).toBe("Event 4 is gone.");
    expect(await says([event(1), ...events])).toBe("Event 1 was put in: no seal covers it.");
    expect(await says(edited(5), "")).toMatch(/^An event from 4 to 7 is not what was sealed; the marks /);
  });
});

describe("a row of seals", () => {
  const claims = (
    seal_: number,
    from_id: number,
    up_to: number,
    previous: string,
    head: string,
  ): SealClaims => ({
    seal: seal_,
    from_id,
    up_to,
    previous,
    head,
  });
  const row = [claims(1, 1, 3, GENESIS, "a"), claims(2, 4, 4, "a", "b"), claims(3, 5, 9, "b", "c")];

  it.each<[string, SealClaims[], number[]]>([
    ["is whole", row, []],
    ["is empty", [], []],
    ["lacks its first", row.slice(1), [2]],
    ["lacks one between", [row[0]!, row[2]!], [3]],
    ["has one twice", [row[0]!, row[0]!], [1]],
    ["leaves events out", [row[0]!, claims(2, 5, 5, "a", "b")], [2]],
    ["covers an event twice", [row[0]!, claims(2, 3, 4, "a", "b")], [2]],
    ["goes on from another hash", [row[0]!, claims(2, 4, 4, "x", "b")], [2]],
    ["has another number", [row[0]!, claims(3, 4, 4, "a", "b")], [3]],
    ["begins at another event", [claims(1, 2, 3, GENESIS, "a")], [1]],
    ["begins with another hash", [claims(1, 1, 3, "a", "a")], [1]],
  ])("%s", (_, seals, expected) => {
    const { findings } = checkSeals(seals);
    expect(findings.map(({ id }) => id)).toEqual(expected);
    expect(findings.every(({ kind }) => kind === "seal")).toBe(true);
  });

  it("says which one follows on which", () => {
    expect(checkSeals([row[0]!, row[2]!]).findings[0]!.says).toBe("Seal 3 does not follow on 1.");
    expect(checkSeals(row.slice(1)).findings[0]!.says).toBe("Seal 2 does not follow on 0.");
  });
});

describe("a segment", () => {
  const claims = (seal_: number, from_id: number, up_to: number, more: Partial<SealClaims>): SealClaims => ({
    seal: seal_,
    from_id,
    up_to,
    previous: GENESIS,
    head: `head ${seal_}`,
    ...more,
  });
  const first = claims(1, 1, 3, {});
  const second = claims(2, 4, 6, { previous: "head 1" });
  const begun = claims(5, 7, 9, { previous: "head 2", after: 2 });
  const next = claims(6, 10, 12, { previous: "head 5" });

  it.each<[string, SealClaims[], number[], string[]]>([
    ["is named", [first, second, begun, next], [], ["break 5"]],
    ["is accepted by its number", [first, second, begun, next], [5], []],
    ["is not accepted by another", [first, second, begun, next], [4, 6], ["break 5"]],
    ["may be the first of all", [claims(1, 1, 3, { after: 0 })], [1], []],
    ["goes on from a seal that is there", [first, begun, next], [5], ["seal 5"]],
    [
      "goes on from the head that was there",
      [first, claims(2, 4, 6, { previous: "head 1", head: "x" }), begun],
      [5],
      ["seal 5"],
    ],
    [
      "covers nothing twice",
      [first, second, claims(5, 6, 9, { previous: "head 2", after: 2 })],
      [5],
      ["seal 5"],
    ],
    [
      "has a higher number than all before",
      [first, second, claims(2, 7, 9, { previous: "head 2", after: 2 })],
      [2],
      ["seal 2"],
    ],
    [
      "is followed like any other",
      [first, second, begun, claims(7, 10, 12, { previous: "head 5" })],
      [5],
      ["seal 7"],
    ],
  ])("%s", (_, seals, accepted, expected) => {
    const { findings } = checkSeals(seals, new Set(accepted));
    expect(findings.map(({ kind, id }) => `${kind} ${id}`)).toEqual(expected);
  });

  it("says how many events no seal covers", () => {
    const says = (from_id: number): string =>
      checkSeals([first, second, claims(5, from_id, 12, { previous: "head 2", after: 2 })]).findings[0]!.says;
    expect(says(7)).toBe("Seal 5 begins a new segment after seal 2: an owner gave up what came between.");
    expect(says(9)).toMatch(/, and no seal covers the 2 events before 9\.$/);
  });

  it.each([
    [2, false],
    [3, true],
    [4, true],
    [5, false],
  ])("gave seal %d up: %s, if it is accepted", (number, expected) => {
    const { breaks } = checkSeals([first, second, begun]);
    expect(isGivenUp(number, breaks, new Set([5]))).toBe(expected);
    expect(isGivenUp(number, breaks, new Set([4]))).toBe(false);
  });
});

describe("a seal that names more events than any has", () => {
  it.each([
    [5_000, []],
    [5_001, ["seal 1"]],
  ])("%d of them: is not walked through", async (up_to, expected) => {
    const found = await checkSeal({ seal: 1, from_id: 1, up_to, previous: GENESIS, head: "x" }, "", []);
    expect(found.slice(0, 1).map(({ kind, id }) => `${kind} ${id}`)).toEqual(
      expected.length > 0 ? expected : ["removed 1"],
    );
  });
});

describe("events that somebody may not see", () => {
  const events = [1, 2, 3, 4].map((id) => event(id));
  const shown = async (touched: ChainedEvent[], marksOf = (marks: string) => marks): Promise<string[]> => {
    const [claims, marks] = await seal(events);
    const hidden = await hideEvents(claims, marksOf(marks), touched, ({ id }) => id % 2 === 0);
    expect(hidden.map((one) => "mark" in one)).toEqual(touched.map(({ id }) => id % 2 === 0));
    const findings = await checkSeal(claims, marksOf(marks), hidden);
    return findings.map(({ kind, id }) => `${kind} ${id}`);
  };
  const edited = (...ids: number[]): ChainedEvent[] =>
    events.map((one) => (ids.includes(one.id) ? { ...one, action: "edited" } : one));

  it.each<[string, ChainedEvent[], string[]]>([
    ["untouched", events, []],
    ["a hidden one edited", edited(2), ["edited 2"]],
    ["a shown one edited", edited(3), ["edited 3"]],
    ["both edited", edited(1, 4), ["edited 1", "edited 4"]],
    ["a hidden one gone", events.filter(({ id }) => id !== 2), ["removed 2"]],
    ["a shown one gone before a hidden one", events.filter(({ id }) => id !== 3), ["removed 3"]],
    ["one put in before", [event(0), ...events], ["inserted 0"]],
  ])("are checked all the same: %s", async (_, touched, expected) => {
    const found = await shown(touched);
    expect(found).toEqual(expected);
  });

  it("are judged by the head where the marks are gone", async () => {
    expect(await shown(events, () => "")).toEqual([]);
    expect(await shown(edited(2), () => "")).toEqual(["edited 4"]);
  });
});
