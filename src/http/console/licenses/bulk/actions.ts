// What can be done with several licenses at once: what each would see, and doing it.
import {
  LicenseChanges,
  Reasoned,
  Reinstatement,
  Renewal,
} from "../../../../licensing/licenses/decisions.ts";
import { findLicenseType } from "../../../../licensing/licenses/license-types.ts";
import { act, type Action } from "../../../../licensing/licenses/lifecycle.ts";
import { previewChange } from "../../../../licensing/licenses/preview.ts";
import { changesBetween, etagOf } from "../../../../kernel/resources.ts";
import { previewDelivery, sendLicense } from "../../../../notices/keys/sending.ts";
import { type Together, waiting } from "../../../../notices/keys/together.ts";
import type { Context } from "../../../../context.ts";
import { invalid } from "../../../../problems.ts";
import type { License } from "../../../../storage/schema.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { plural } from "../../../ui/show.tsx";
import { formatTerm } from "../../../ui/terms.ts";
import { endOf } from "../../parts/terms.tsx";
import { assertChange, changeOf, changesInWords, previewInWords } from "./changes.ts";

/** Does it to the license as it was read: what somebody changes meanwhile is not overwritten. */
const actOn = (context: Context, license: License, action: Action): Promise<License> =>
  act(context, license.id, action, etagOf(license));

type Doing = (context: Context, license: License, entry: Entry) => Promise<string>;

/** Its mails are sent together. */
type Deed = (context: Context, license: License, entry: Entry, together: Together) => Promise<string>;

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
async function renewalOf(context: Context, { license_type }: License, entry: Entry): Promise<Action> {
  const entered = endOf(entry);
  if (Object.keys(entered).length > 0) return { action: "renew", input: parsed(Renewal, entered) };
  const duration = (await findLicenseType(context, license_type))?.duration ?? null;
  return {
    action: "renew",
    input: parsed(Renewal, duration === null ? { expires_at: null } : { expires_in: duration }),
  };
}

const newEnd = (from: unknown, to: unknown): string =>
  from === to
    ? "Its end stays the same."
    : `Ends ${formatTerm("expires_at", to)} instead of ${formatTerm("expires_at", from)}.`;

async function changing(context: Context, license: License, entry: Entry) {
  const type = entry.text("license_type");
  const found = type === undefined ? null : await findLicenseType(context, type);
  return { action: "change", input: changeOf(entry, license, found ?? undefined) } as const;
}

/** The terms that differ, in words. */
function changed(before: License, after: License): string {
  const terms = Object.entries(changesBetween(before, after)).filter(([name]) =>
    Object.hasOwn(LicenseChanges.shape, name),
  );
  return terms.length === 0 ? "Nothing changes." : `${changesInWords(Object.fromEntries(terms))}.`;
}

/** @throws Problem REQUEST_INVALID without any, or for what is no tag */
function tagsIn(entry: Entry): string[] {
  const entered = entry.words("tags");
  if (entered.length === 0) throw invalid("tags", "Enter at least one tag");
  return parsed(LicenseChanges, { tags: entered }).tags ?? [];
}

/** The tags of a license with some added. */
function tagged({ tags }: License, entry: Entry): Action {
  const wanted = [...new Set([...tags, ...tagsIn(entry)])];
  return { action: "change", input: parsed(LicenseChanges, { tags: wanted }) };
}

const wouldStop: Doing = async (context, { id }) => {
  const { instances } = await previewChange(context, id, { action: "suspend", input: { reason: "" } });
  return instances.active === 0
    ? "No instance runs on it."
    : `${plural(instances.active, "instance")} refused at the next check-in.`;
};

const ONE_MAIL = "A customer of several gets one mail with all their keys.";

export const BULK_ACTIONS = {
  renew: {
    title: "Renew licenses",
    asks: "end",
    async would(context, license, entry) {
      const renewal = await renewalOf(context, license, entry);
      const { changes } = await previewChange(context, license.id, renewal);
      const { from = null, to = null } = changes["expires_at"] ?? {};
      return newEnd(from, to);
    },
    mail: ONE_MAIL,
    async does(context, license, entry, together) {
      const renewal = await renewalOf(context, license, entry);
      const { expires_at } = await actOn(waiting(context, together), license, renewal);
      return newEnd(license.expires_at, expires_at);
    },
  },
  change: {
    title: "Change licenses",
    asks: "terms",
    would: async (context, license, entry) =>
      previewInWords(await previewChange(context, license.id, await changing(context, license, entry))),
    async does(context, license, entry, together) {
      const action = await changing(context, license, entry);
      return changed(license, await actOn(waiting(context, together), license, action));
    },
  },
  send: {
    title: "Send keys",
    asks: "nothing",
    would: async (context, { id }) =>
      `The current key goes to ${(await previewDelivery(context, id)).join(", ")}.`,
    mail: ONE_MAIL,
    does: async (context, { id }, _entry, together) =>
      `On its way to ${(await sendLicense(context, id, {}, together)).recipient}.`,
  },
  tag: {
    title: "Tag licenses",
    asks: "tags",
    would: async (_context, { tags }) => (tags.length === 0 ? "Has no tags." : `Has ${tags.join(", ")}.`),
    async does(context, license, entry) {
      const { tags } = await actOn(context, license, tagged(license, entry));
      return `Has ${tags.join(", ")}.`;
    },
  },
  reinstate: {
    title: "Reinstate licenses",
    asks: "nothing",
    async would(context, { id }) {
      await previewChange(context, id, { action: "reinstate", input: {} });
      return "Its instances go on at their next check-in.";
    },
    async does(context, license) {
      await actOn(context, license, { action: "reinstate", input: parsed(Reinstatement, {}) });
      return "Reinstated.";
    },
  },
  suspend: {
    title: "Suspend licenses",
    asks: "reason",
    tone: "danger",
    would: wouldStop,
    async does(context, license, entry) {
      await actOn(context, license, { action: "suspend", input: reasonOf(entry) });
      return "Suspended.";
    },
  },
} satisfies Record<string, BulkAction>;

export type BulkName = keyof typeof BULK_ACTIONS;

export const bulkActionOf = (name: BulkName): BulkAction => BULK_ACTIONS[name];

/** Refuses at once what is wrong for all of them. @throws Problem REQUEST_INVALID */
export async function assertEntered(context: Context, name: BulkName, entry: Entry): Promise<void> {
  const { asks } = bulkActionOf(name);
  if (asks === "reason") reasonOf(entry);
  if (asks === "end") endOf(entry);
  if (asks === "tags") tagsIn(entry);
  if (asks === "terms") await assertChange(context, entry);
}
