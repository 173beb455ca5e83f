// What can be done with several licenses at once: what each would see, and doing it.
import { LicenseChanges, Reasoned, Reinstatement, Renewal } from "../../../licensing/licenses/decisions.ts";
import { findLicenseType } from "../../../licensing/licenses/license-types.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import { act, type Action } from "../../../licensing/licenses/lifecycle.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import { previewDelivery, sendLicense } from "../../../notices/keys/sending.ts";
import { type Together, waiting } from "../../../notices/keys/together.ts";
import type { Context } from "../../../context.ts";
import { invalid } from "../../../problems.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { plural, wordsFor } from "../../ui/show.tsx";
import { formatTerm } from "../../ui/terms.ts";
import { endOf } from "../parts/terms.tsx";

type Doing = (context: Context, id: string, entry: Entry) => Promise<string>;

/** Its mails are sent together. */
type Deed = (context: Context, id: string, entry: Entry, together: Together) => Promise<string>;

interface BulkAction {
  title: string;
  /** Which further fields its form has. */
  asks: "nothing" | "reason" | "end" | "tags" | "terms";
  tone?: "danger";
  /** What it would do to a license. Its fields may still be empty. */
  would: Doing;
  /** Does it, and says what was done. */
  does: Deed;
  /** What is said of its mail. */
  mail?: string;
}

const reasonOf = (entry: Entry): { reason: string } =>
  parsed(Reasoned, { reason: entry.text("reason") ?? "" });

/** The entered end; without one, the duration of the license's own type. */
async function renewalOf(context: Context, id: string, entry: Entry): Promise<Action> {
  const entered = endOf(entry);
  if (Object.keys(entered).length > 0) return { action: "renew", input: parsed(Renewal, entered) };
  const { license_type } = await getLicense(context, id);
  const duration = (await findLicenseType(context, license_type))?.duration ?? null;
  return {
    action: "renew",
    input: parsed(Renewal, duration === null ? { expires_at: null } : { expires_in: duration }),
  };
}

async function newEnd(context: Context, id: string, entry: Entry): Promise<string> {
  const { changes } = await previewChange(context, id, await renewalOf(context, id, entry));
  const end = changes["expires_at"];
  return end
    ? `Ends ${formatTerm("expires_at", end.to)} instead of ${formatTerm("expires_at", end.from)}.`
    : "Its end stays the same.";
}

/** The terms that were entered; those of the type where another one is chosen. @throws Problem REQUEST_INVALID */
function termsOf(entry: Entry): Action {
  const entered = {
    license_type: entry.text("license_type"),
    terms: entry.text("license_type") === undefined ? undefined : "type",
    max_instances: entry.number("max_instances"),
    max_services: entry.number("max_services"),
    max_requests_per_day: entry.number("max_requests_per_day"),
    grace_days: entry.number("grace_days"),
  };
  return {
    action: "change",
    input: parsed(LicenseChanges, {
      ...entered,
      send_email: entry.has("send_email") && hasTerms(entry) ? true : undefined,
    }),
  };
}

const hasTerms = (entry: Entry): boolean =>
  ["license_type", "max_instances", "max_services", "max_requests_per_day", "grace_days"].some(
    (name) => entry.text(name) !== undefined,
  );

async function newTerms(context: Context, id: string, entry: Entry): Promise<string> {
  const { changes, instances } = await previewChange(context, id, termsOf(entry));
  const all = Object.entries(changes).map(
    ([name, { from, to }]) =>
      `${wordsFor(name)}: ${formatTerm(name, to)} instead of ${formatTerm(name, from)}`,
  );
  if (all.length === 0) return "Nothing changes.";
  return `${all.join("; ")}. ${plural(instances.active, "instance")} would get it at the next check-in.`;
}

/** @throws Problem REQUEST_INVALID without any, or for what is no tag */
function tagsIn(entry: Entry): string[] {
  const entered = entry.words("tags");
  if (entered.length === 0) throw invalid("tags", "Enter at least one tag");
  return parsed(LicenseChanges, { tags: entered }).tags ?? [];
}

/** The tags of a license with some added. */
async function tagged(context: Context, id: string, entry: Entry): Promise<Action> {
  const { tags } = await getLicense(context, id);
  const wanted = [...new Set([...tags, ...tagsIn(entry)])];
  return { action: "change", input: parsed(LicenseChanges, { tags: wanted }) };
}

const wouldStop: Doing = async (context, id) => {
  const { instances } = await previewChange(context, id, { action: "suspend", input: { reason: "" } });
  return instances.active === 0
    ? "No instance runs on it."
    : `${plural(instances.active, "instance")} refused at the next check-in.`;
};

const ONE_MAIL = "Who gets several of them gets one mail with all the keys.";

export const BULK_ACTIONS = {
  renew: {
    title: "Renew licenses",
    asks: "end",
    would: newEnd,
    mail: ONE_MAIL,
    async does(context, id, entry, together) {
      const says = await newEnd(context, id, entry);
      await act(waiting(context, together), id, await renewalOf(context, id, entry));
      return says;
    },
  },
  change: {
    title: "Change licenses",
    asks: "terms",
    would: newTerms,
    async does(context, id, entry) {
      const says = await newTerms(context, id, entry);
      await act(context, id, termsOf(entry));
      return says;
    },
  },
  send: {
    title: "Send keys",
    asks: "nothing",
    would: async (context, id) =>
      `The current key goes to ${(await previewDelivery(context, id)).join(", ")}.`,
    mail: ONE_MAIL,
    does: async (context, id, _entry, together) =>
      `On its way to ${(await sendLicense(context, id, {}, together)).recipient}.`,
  },
  tag: {
    title: "Tag licenses",
    asks: "tags",
    async would(context, id) {
      const { tags } = await getLicense(context, id);
      return tags.length === 0 ? "Has no tags." : `Has ${tags.join(", ")}.`;
    },
    async does(context, id, entry) {
      const { tags } = await act(context, id, await tagged(context, id, entry));
      return `Has ${tags.join(", ")}.`;
    },
  },
  reinstate: {
    title: "Reinstate licenses",
    asks: "nothing",
    async would(context, id) {
      await previewChange(context, id, { action: "reinstate", input: {} });
      return "Its instances go on at their next check-in.";
    },
    async does(context, id) {
      await act(context, id, { action: "reinstate", input: parsed(Reinstatement, {}) });
      return "Reinstated.";
    },
  },
  suspend: {
    title: "Suspend licenses",
    asks: "reason",
    tone: "danger",
    would: wouldStop,
    async does(context, id, entry) {
      await act(context, id, { action: "suspend", input: reasonOf(entry) });
      return "Suspended.";
    },
  },
} satisfies Record<string, BulkAction>;

export type BulkName = keyof typeof BULK_ACTIONS;

export const bulkActionOf = (name: BulkName): BulkAction => BULK_ACTIONS[name];

/** Refuses at once what is wrong for all of them. @throws Problem REQUEST_INVALID */
export function assertEntered(name: BulkName, entry: Entry): void {
  const { asks } = bulkActionOf(name);
  if (asks === "reason") reasonOf(entry);
  if (asks === "end") endOf(entry);
  if (asks === "tags") tagsIn(entry);
  if (asks === "terms") {
    termsOf(entry);
    if (!hasTerms(entry)) throw invalid("license_type", "Enter what is to change");
  }
}
