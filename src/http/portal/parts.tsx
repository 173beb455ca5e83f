// Parts that several pages show: heads, and the state of a license in calm words with the next step.
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import type { OwnLicense } from "../../licensing/portal/own.ts";
import { graceUntil, standingOf } from "../../licensing/licenses/standing.ts";
import { formatEnd, formatStart, type Tone } from "../ui/show.tsx";

export const LICENSES: [string, string] = ["/portal", "Licenses"];

export const trailTo = ({ id, license_type }: OwnLicense): [string, string][] => [
  LICENSES,
  [`/portal/licenses/${id}`, license_type],
];

interface State {
  tone: Tone;
  headline: string;
  /** What it means, and what to do next. */
  words: string;
}

/** What the customer should know of a license now. Pure. */
export function stateOf(license: OwnLicense, now: number): State {
  const { expires_at, starts_at, seated, max_instances } = license;
  const end = expires_at === null ? "" : formatEnd(expires_at);
  const graceEnd = graceUntil(license) ?? LAST_INSTANT;
  switch (standingOf(license, now)) {
    case "revoked":
      return {
        tone: "stop",
        headline: "This license was revoked.",
        words: "Its installations no longer run. If you did not expect this, ask us.",
      };
    case "suspended":
      return {
        tone: "held",
        headline: "This license is suspended.",
        words:
          "Nothing is lost: your installations keep their seats, and go on once it is reinstated. Ask us what is open.",
      };
    case "scheduled":
      return {
        tone: "info",
        headline: `This license begins on ${formatStart(starts_at ?? now)}.`,
        words: "You can install it now. It starts by itself.",
      };
    case "expired":
      return {
        tone: "stop",
        headline: `This license ended on ${end}.`,
        words:
          "Its installations have stopped. Once it is renewed they go on by themselves, with the same key.",
      };
    case "grace":
      return {
        tone: "warn",
        headline: `This license ended on ${end}. Everything still runs.`,
        words: `It goes on until ${formatEnd(graceEnd)}. Ask for a renewal before then: nothing has to be installed again.`,
      };
    case "expiring": {
      const days = Math.ceil(((expires_at ?? now) - now) / DAY);
      return {
        tone: "warn",
        headline: `Valid through ${end}.`,
        words: `That is in ${days} ${days === 1 ? "day" : "days"}. Ask for a renewal in time: nothing has to be installed again.`,
      };
    }
    default:
      if (seated === 0)
        return {
          tone: "info",
          headline: "Nothing is installed yet.",
          words: "Take the license key: its page has the steps.",
        };
      if (max_instances !== null && seated >= max_instances)
        return {
          tone: "warn",
          headline: "All seats are taken.",
          words:
            "A new installation is refused: limit reached. Free the seat of one that no longer runs, or ask for more seats.",
        };
      return {
        tone: "good",
        headline: expires_at === null ? "Valid, without an end." : `Valid through ${end}.`,
        words: "There is nothing to do.",
      };
  }
}
