// How pages word what the API counts and names.
import { describe, expect, it } from "vitest";
import { relative } from "../../../src/http/ui/show.tsx";
import { wordsFor } from "../../../src/http/ui/terms.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

describe("how far a moment is away", () => {
  it.each([
    [-59 * SECOND, "just now"],
    [59 * SECOND, "in a moment"],
    [-60 * SECOND, "1 minute ago"],
    [90 * SECOND, "in 2 minutes"],
    [-119 * SECOND, "1 minute ago"],
    [-DAY + 1, "23 hours ago"],
    [DAY, "in 24 hours"],
    [DAY + 1, "in 25 hours"],
    [-2 * DAY + 1, "47 hours ago"],
    [2 * DAY - 1, "in 48 hours"],
    [-2 * DAY, "2 days ago"],
    [2 * DAY, "in 2 days"],
    [2 * DAY + 1, "in 3 days"],
    [59 * DAY, "in 59 days"],
    [60 * DAY, "in 2 months"],
    [110 * DAY, "in 4 months"],
    [365 * DAY, "in 12 months"],
    [-365 * DAY, "12 months ago"],
    [729 * DAY, "in 24 months"],
    [730 * DAY, "in 2 years"],
    [890 * DAY, "in 2 years"],
    [950 * DAY, "in 3 years"],
  ])("%i ms: %s", (away, words) => {
    const now = Date.parse("2026-11-25T12:00:00Z");
    expect(relative(now + away, now)).toBe(words);
  });
});

describe("a member of the API", () => {
  it.each([
    ["max_requests_per_day", "requests per day"],
    ["expires_at", "expires"],
    ["features", "features"],
    ["customer_id", "customer id"],
    ["request.license_key", "request, license key"],
    ["features.1", "features, no. 2"],
  ])("%s is called %s", (member, words) => {
    expect(wordsFor(member)).toBe(words);
  });
});
