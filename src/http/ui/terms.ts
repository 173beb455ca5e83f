// The terms of a license, and what is done with it, in words.
import type { Transition } from "../../licensing/licenses/decisions.ts";
import { durationInWords } from "../../kernel/calendar.ts";
import type { EntitlementValue } from "../../storage/schema.ts";
import { formatCount, formatDate, formatEnd, formatStart } from "./show.tsx";

/** The console's names for the actions on a license. */
export const ACTION_NAMES: Record<Transition, string> = {
  change: "Edit terms",
  renew: "Renew",
  suspend: "Suspend",
  reinstate: "Reinstate",
  revoke: "Revoke",
  reissue: "Replace key",
  transfer: "Transfer",
};

/** An end is milliseconds, or RFC 3339. */
interface Entitlement {
  value: EntitlementValue;
  until?: number | string | null | undefined;
}

const valueInWords = (value: EntitlementValue): string => {
  if (value === null) return "unlimited";
  if (typeof value === "number") return formatCount(value);
  return value === true ? "" : value === false ? "off" : value;
};

/** Such as "gpus 8 through Jun 30, 2027". @param through the word for its end */
export const entitlementInWords = (
  code: string,
  { value, until }: Entitlement,
  through = "through",
): string =>
  [code, valueInWords(value), until == null ? "" : `${through} ${formatEnd(new Date(until).getTime())}`]
    .filter((part) => part !== "")
    .join(" ");

const entitlementsInWords = (all: Record<string, Entitlement | null>): string =>
  Object.entries(all)
    .map(([code, one]) => (one === null ? `without ${code}` : entitlementInWords(code, one)))
    .join("; ") || "none";

const END = new Set(["expires_at", "updates_until"]);

/** A member of the API in words: max_requests_per_day is "requests per day", features.1 "features, no. 2". */
export const wordsFor = (member: string): string =>
  member
    .split(".")
    .map((part) =>
      /^\d+$/.test(part)
        ? `no. ${Number(part) + 1}`
        : part.replace(/^max_/, "").replace(/_at$/, "").replaceAll("_", " "),
    )
    .join(", ");

/** The value of a member, such as a term. */
export function formatTerm(name: string, value: unknown): string {
  if (name === "notice_days" && value === null) return "those of the type";
  if (value === null || value === "") return name.startsWith("max_") ? "unlimited" : "none";
  if (name === "entitlements") return entitlementsInWords(value as Record<string, Entitlement | null>);
  if (END.has(name) && typeof value === "number") return formatEnd(value);
  if (name === "unproven_until" && typeof value === "number") return formatDate(value);
  if (name === "starts_at" && typeof value === "number") return formatStart(value);
  if (name === "expires_in" && typeof value === "string") return durationInWords(value);
  if (Array.isArray(value)) return value.join(", ") || "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}
