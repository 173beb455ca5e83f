// Which licenses a bulk action is about: those that were selected, or those that the filters of the list find.
import { byName } from "../../../../kernel/inputs.ts";
import { PageQuery } from "../../../../kernel/pages.ts";
import { listLicenses } from "../../../../licensing/licenses/license-list.ts";
import { LicenseFilter } from "../../../../licensing/licenses/search/license-filter.ts";
import * as z from "zod/mini";
import type { Context } from "../../../../context.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";

/** As many at a time: D1 bounds how many statements one request may send. */
export const STEP = 50;

/** As many as one choice has at most. */
export const MAX_CHOSEN = 500;

export interface Chosen {
  /** Those of this step. */
  ids: string[];
  /** Those of later steps. Fixed when they were chosen: what an action does may move a license within its list. */
  rest: string[];
  /** Whether the filters find more than may be chosen. */
  isCut: boolean;
}

/** The field that says as which version a license was shown. */
export const SEEN = "seen";

/** The fields that say which licenses. */
export const CHOICE = ["id", "rest", "matching", SEEN] as const;

export async function chosenIn(context: Context, entry: Entry): Promise<Chosen> {
  const matching = entry.text("matching");
  const found =
    matching === undefined
      ? [...entry.all("id"), ...entry.words("rest")]
      : await matchingIn(context, matching);
  const ids = [...new Set(found)];
  return { ids: ids.slice(0, STEP), rest: ids.slice(STEP, MAX_CHOSEN), isCut: ids.length > MAX_CHOSEN };
}

/** A page of a list may be short: this bounds how many are read. */
const MAX_PAGES = 40;

/** @param query the address of the list, without its place. @throws Problem REQUEST_INVALID for other filters */
async function matchingIn(context: Context, query: string): Promise<string[]> {
  const {
    limit: _size,
    cursor: _place,
    row: _row,
    ...filters
  } = Object.fromEntries(new URLSearchParams(query === "all" ? "" : query));
  const filter = parsed(z.strictObject(LicenseFilter.shape), byName(filters));
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < MAX_PAGES && ids.length <= MAX_CHOSEN; n++) {
    const page = await listLicenses(context, parsed(PageQuery, { limit: "100", cursor }), filter);
    ids.push(...page.data.map(({ id }) => id));
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return ids;
}
