// The terms of a license, as inputs: limits, durations, features, days of notice.
import * as z from "zod/mini";
import { DURATION } from "../../kernel/calendar.ts";
import { unique } from "../../kernel/inputs.ts";

const MAX_COUNT = 1_000_000_000;

/** A limit: a count from 1, or null for unlimited. */
export const Limit = z.nullable(z.int().check(z.minimum(1), z.maximum(MAX_COUNT)));

export const Days = z.int().check(z.minimum(1), z.maximum(36_500));

/** Years, months, weeks or days on the calendar. */
export const Duration = z
  .string()
  .check(
    z.regex(DURATION, "Must be P, a whole number from 1 to 99999, and one of Y, M, W or D, such as P1Y"),
  );

/** Ten years: the longest that an ended license can let instances run. */
export const MAX_GRACE_DAYS = 3_650;

export const GraceDays = z.int().check(z.minimum(0), z.maximum(MAX_GRACE_DAYS));

export const LeaseDays = z.int().check(z.minimum(1), z.maximum(3_650));

export const CheckInHours = z.int().check(z.minimum(1), z.maximum(8_760));

/** How long a request without proof holds a seat. */
export const UnprovenLeaseHours = z.int().check(z.minimum(1), z.maximum(8_760));

/** Whether requests without proof are refused for a seat that two places seem to share. */
export const ClonePolicy = z.enum(["warn", "refuse"]);

/** How many days before the end notices are due; an empty list for no notices. */
export const NoticeDays = z
  .array(z.int().check(z.minimum(0), z.maximum(365)))
  .check(z.maxLength(20), ...unique("Days must not repeat"));

const Feature = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/,
      "Must be 1 to 64 letters, digits or . _ : / -, and begin with a letter or digit",
    ),
  );

export const Features = z.array(Feature).check(z.maxLength(100), ...unique("Features must not repeat"));
