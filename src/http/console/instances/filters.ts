// What the list of instances is filtered by, for the list and its export.
import { ActivationFilter } from "../../../licensing/instances/instance-filter.ts";
import * as z from "zod/mini";
import { DAY, SECOND } from "../../../kernel/dates.ts";
import { SilentDays } from "../../../licensing/instances/census.ts";

const { license_id, customer_id, active, seen_before, q, app_version_below, label } = ActivationFilter.shape;

export const InstanceListFilter = {
  q,
  license_id,
  customer_id,
  active,
  silent_days: z.optional(SilentDays),
  seen_before,
  app_version_below,
  label,
  /** KEY=value, as it is typed. */
  has_label: z.optional(
    z
      .string()
      .check(
        z.maxLength(400),
        z.regex(/^[^=]+=[^]*$/, "Must be a key and a value, such as environment=staging"),
      ),
  ),
};

type Asked = z.output<z.ZodMiniObject<typeof InstanceListFilter>>;

/** The filter of the list, and since when the silent ones are silent. */
export function soughtBy(
  { silent_days, seen_before: kept, has_label, ...filter }: Partial<Asked>,
  now: number,
): { sought: ActivationFilter; before: number | undefined } {
  const [, key = "", value = ""] = /^([^=]+)=([^]*)$/.exec(has_label ?? "") ?? [];
  const labels = has_label === undefined ? filter.label : { ...filter.label, [key.trim()]: value.trim() };
  // Kept from page to page: a cursor is valid only with the same filters.
  const before = silent_days === undefined ? undefined : (kept ?? now - (now % SECOND) - silent_days * DAY);
  const wanted: ActivationFilter = labels === undefined ? filter : { ...filter, label: labels };
  return {
    sought: before === undefined ? wanted : { ...wanted, active: true, networked: true, seen_before: before },
    before,
  };
}
