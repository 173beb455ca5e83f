// Erasures that a restored database does not know are applied again, in as many calls as it takes.
import { expect, it } from "vitest";
import { applyErasures } from "../../src/backup/restore/erasures.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { bucket, freshRecord } from "../support/record.ts";
import { newCustomer, rows } from "../support/service.ts";
import { spent } from "../support/spent.ts";

const SINCE = Date.parse("2026-11-20T08:00:00.000Z");

it("leaves out none where a call has room for one only, and an older one is in the bucket alone", async () => {
  await freshRecord();
  setTime(SINCE);
  for (const [n, erased_at] of [SINCE - 90 * DAY, SINCE, SINCE + 1].entries()) {
    const { id: customer_id } = await newCustomer({ name: `Zenobia ${n}` });
    const erasure = { id: `era_${n}`, customer_id, contact_id: null, erased_at };
    if (n === 0) await bucket.put(`erasures/${erasure.id}.json`, JSON.stringify(erasure));
    else
      await rows("INSERT INTO erasures VALUES (?, ?, NULL, ?3, ?3, ?3)", erasure.id, customer_id, erased_at);
  }
  const calls: number[] = [];
  for (let [after, all] = ["", false]; !all && calls.length < 9;) {
    const done = await applyErasures(spent(env, 475), SINCE, after);
    calls.push(done.applied);
    ({ after, all } = done);
  }
  expect(calls).toEqual([1, 1, 1]);
  expect(await rows("SELECT DISTINCT name FROM customers")).toEqual([{ name: "Erased" }]);
});
