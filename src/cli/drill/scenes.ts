// The scenes of a drill, as a person writes them: what happens to the license, and what is wrong with an application that
// does otherwise than the license says.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { isInstant } from "../../clients/typescript/src/documents.ts";
import { LICENSE_TYPES } from "../../clients/typescript/src/testing/licenses.ts";
import type { Outage } from "../../clients/typescript/src/testing.ts";
import "../../wording.ts";
import { usage } from "../failures.ts";

export type Step =
  | { do: "start" | "stop" | "restart" | "recover" }
  | { do: "suspend" | "reinstate" | "revoke" | "reissue" | "rotate-keys" }
  | { do: "outage"; kind: Outage }
  | { do: "advance" | "renew" | "clock-back"; seconds: number };

export interface Scene {
  name: string;
  about: string;
  steps: Step[];
  /** What an application is told that stopped, ran, or ended itself where it should not. */
  mistake: { stopped?: string | undefined; ran?: string | undefined; exited?: string | undefined };
}

export interface Ladder {
  /** Terms by the admin API's names. */
  license: Record<string, unknown>;
  scenes: Scene[];
}

const PLAIN = new Set([
  "start",
  "stop",
  "restart",
  "recover",
  "suspend",
  "reinstate",
  "revoke",
  "reissue",
  "rotate-keys",
]);
const OUTAGES = new Set(["error", "down", "silent", "page"]);
const SPANNED = new Set(["advance", "renew", "clock-back"]);
const SPAN = /^(\d{1,6})([dhms])$/;

/** A scene may take ten years; more is a typing error. */
const LONGEST = 3_660 * 86_400;
const SECONDS = new Map([
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
]);

/** "40d" in seconds. */
function secondsIn(text: string): number | null {
  const [, count, unit = ""] = SPAN.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS.get(unit) ?? Number.NaN);
  return seconds <= LONGEST ? seconds : null;
}

/** @returns null for a step that there is not */
export function stepOf(text: string): Step | null {
  const [name = "", argument, ...more] = text.trim().split(/\s+/);
  if (more.length > 0) return null;
  if (PLAIN.has(name) && argument === undefined) return { do: name } as Step;
  if (name === "outage" && OUTAGES.has(argument ?? "down"))
    return { do: name, kind: (argument ?? "down") as Outage };
  const seconds = SPANNED.has(name) ? secondsIn(argument ?? "") : null;
  return seconds === null ? null : ({ do: name, seconds } as Step);
}

/** Shown in tables, files and reports. */
const Line = z.string().check(z.minLength(1), z.maxLength(300));
const LimitTerm = z.optional(z.nullable(z.int().check(z.minimum(1))));
const Whole = z.optional(z.int().check(z.minimum(0), z.maximum(36_500)));
const Positive = z.optional(z.int().check(z.minimum(1), z.maximum(36_500)));
const Instant = z.string().check(z.refine(isInstant, "Must be a time such as 2026-12-31T00:00:00Z"));
const Value = z.nullable(
  z.union(
    [z.boolean(), z.int().check(z.minimum(0)), z.string()],
    "Must be true or false, a whole number, a text, or null",
  ),
);

const LadderFile = z.strictObject({
  about: z.optional(z.string()),
  license: z.optional(
    z.strictObject({
      // The kit takes any name; here it is most often a typing error, and would be drilled with other terms.
      license_type: z.optional(z.enum(Object.keys(LICENSE_TYPES))),
      features: z.optional(z.array(Line)),
      max_instances: LimitTerm,
      max_services: LimitTerm,
      max_requests_per_day: LimitTerm,
      expires_days: Positive,
      grace_days: Whole,
      lease_days: Positive,
      check_in_hours: Positive,
      unproven_lease_hours: Positive,
      updates_until: z.optional(Instant),
      entitlements: z.optional(
        z.record(z.string(), z.strictObject({ value: Value, until: z.optional(Instant) })),
      ),
    }),
  ),
  scenes: z
    .array(
      z.strictObject({
        name: z
          .string()
          .check(z.regex(/^[a-z0-9][a-z0-9-]{0,59}$/, "Must be of small letters, digits and hyphens")),
        about: z.optional(Line),
        do: z.array(z.string()),
        mistake: z.optional(
          z.strictObject({ stopped: z.optional(Line), ran: z.optional(Line), exited: z.optional(Line) }),
        ),
      }),
    )
    .check(z.minLength(1)),
});

const faultOf = ({ path, ...issue }: z.core.$ZodIssue): string => {
  const said =
    issue.code === "unrecognized_keys"
      ? `has no member ${issue.keys.join(", ")}`
      : issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return `${path.join(".") || "the file"}: ${said}`;
};

/** The file of the built-in ladder. */
export const LADDER = join(import.meta.dirname, "ladder.json");

export const readLadder = (): string => readFileSync(LADDER, "utf8");

/** @param name of the file, for messages @throws Failure that says what is wrong with it, and where */
export function parseLadder(text: string, name: string): Ladder {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usage(`${name} is not JSON.`);
  }
  const read = LadderFile.safeParse(value);
  if (!read.success)
    throw usage(
      `${name} holds no scenes as a drill takes them.`,
      ...read.error.issues.map(faultOf),
      "remedy: caio-license drill --print-scenes shows a file that is right.",
    );
  const { license = {}, scenes } = read.data;
  const names = scenes.map((scene) => scene.name);
  const twice = names.find((one, at) => names.indexOf(one) !== at);
  if (twice !== undefined) throw usage(`${name} has two scenes named ${twice}.`);
  return {
    license,
    scenes: scenes.map(({ name: scene, about, do: steps, mistake = {} }) => ({
      name: scene,
      about: about ?? scene,
      mistake,
      steps: steps.map((step) => {
        const known = stepOf(step);
        if (!known)
          throw usage(
            `${name}: the scene ${scene} has a step that there is not: ${step}`,
            "remedy: caio-license drill --print-scenes names the steps.",
          );
        return known;
      }),
    })),
  };
}
