// What the instances that staff see can be filtered by.
import * as z from "zod/mini";
import { SearchText, Since, Until } from "../../kernel/inputs.ts";
import type { Activation } from "../../storage/schema.ts";
import { CustomerId } from "../customers/customers.ts";
import { ByKey } from "../customers/noted.ts";
import { normalizeTerm } from "../customers/search-terms.ts";
import { isByFile } from "./census.ts";
import { compareVersions, versionOf } from "./versions.ts";

/** What the instances of one license can be filtered by. */
export const InstanceFilter = z.object({
  /** true: holds a seat now; false: no longer holds one. */
  active: z.optional(
    z.pipe(
      z.enum(["true", "false"]),
      z.transform((text) => text === "true"),
    ),
  ),
  /** Last seen at or after this instant, or before it. */
  seen_since: z.optional(Since),
  seen_before: z.optional(Until),
  /** The beginning of the instance's id, of its host name or of its license's id. */
  q: z.optional(SearchText),
  /** Runs a version before this one. Leaves out instances whose version is not semantic. */
  app_version_below: z.optional(
    z.pipe(
      z.string().check(z.maxLength(128)),
      z.transform((text, context) => {
        // Whoever says 2.0 means 2.0.0.
        const version = versionOf(
          text
            .trim()
            .replace(/^v?\d+(?:\.\d+)?$/, (short) => `${short}${short.includes(".") ? ".0" : ".0.0"}`),
        );
        if (version !== null) return version;
        context.issues.push({
          code: "custom",
          message: "Must be a semantic version, such as 2.1.0 or 2.1",
          input: text,
        });
        return z.NEVER;
      }),
    ),
  ),
  /** label.KEY=value: has these labels, with these values. */
  label: z.optional(ByKey),
});

export const ActivationFilter = z.extend(InstanceFilter, {
  license_id: z.optional(z.string().check(z.minLength(1), z.maxLength(64))),
  customer_id: z.optional(CustomerId),
});

export type ActivationFilter = z.output<typeof ActivationFilter> & {
  /** true: leaves out instances that were activated by a file. */
  networked?: boolean;
};

export const isActive = (activation: Activation, now: number): boolean =>
  activation.ended_at === 0 && activation.lease_expires_at > now;

export function belongs(activation: Activation, filter: ActivationFilter, now: number): boolean {
  const { active, q, seen_since, seen_before, networked, app_version_below: below, label } = filter;
  const { instance_id, hostname, license_id, last_seen_at, labels, app_version } = activation;
  const version = below && app_version !== null ? versionOf(app_version.trim()) : null;
  const found =
    q === undefined ||
    [instance_id, hostname, license_id].some(
      (text) => text !== null && normalizeTerm(text).startsWith(normalizeTerm(q)),
    );
  return (
    found &&
    (!networked || !isByFile(activation)) &&
    (active === undefined || isActive(activation, now) === active) &&
    (seen_since === undefined || last_seen_at >= seen_since) &&
    (seen_before === undefined || last_seen_at < seen_before) &&
    (below === undefined || (version !== null && compareVersions(version, below) < 0)) &&
    Object.entries(label ?? {}).every(
      ([key, value]) => Object.hasOwn(labels ?? {}, key) && labels?.[key] === value,
    )
  );
}
