// Ten years in fast motion, at a small scale: the real jobs keep a database of a few instances from growing with its days.
import { expect, it } from "vitest";
import { npm } from "./support/npm.ts";

it("usage, texts and ended seats take no more room after four years than after three", async () => {
  const run = npm("bench:years", "--instances", "30", "--years", "4", "--made", "30");
  expect(await run.ended).toBe(0);
  const out = run.output();
  const cells = (table: string): number[] =>
    (out.match(new RegExp(`^\\| \`${table}\` \\| (.*) \\|$`, "m"))?.[1] ?? "")
      .split(" | ")
      .map((cell) => Number(cell.replaceAll(",", "")));
  for (const table of ["usage", "usage_months", "license_usage_months"]) {
    const [first, third, fourth] = cells(table);
    expect(first, table).toBeGreaterThan(500);
    expect(Math.abs(fourth! - third!) / third!, table).toBeLessThan(0.06);
  }
  // A year of mail with its texts would be tens of kilobytes.
  expect(cells("messages").at(-1)).toBeLessThan(6_000);
  expect(out).toMatch(/One database of 10 GB holds [\d,]+ instances for ten years\./);
  expect(out).toMatch(/30 instances really made/);
}, 120_000);
