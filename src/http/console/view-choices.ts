// How a member of staff sees the console: kept with them, so that it is the same in each browser.
import * as z from "zod/mini";

export const STARTS = ["overview", "licenses", "customers", "instances", "messages", "activity"] as const;

/** What the form asks for. */
export const Choices = z.object({
  /** `comfortable`: more room in each row. */
  rows: z.enum(["comfortable", "dense"]),
  /** The page after the sign-in. */
  start: z.enum(STARTS),
  /** Whose times are shown: the browser's own zone, or UTC. */
  times: z.enum(["local", "utc"]),
  /** `system`: light or dark, as the reader's system is. */
  theme: z.enum(["system", "light", "dark"]),
});

const { rows, start, times, theme } = Choices.shape;

// Each member has a default: what an earlier or a later release kept is read as far as it is known.
const View = z.object({
  rows: z.catch(rows, "comfortable"),
  start: z.catch(start, "overview"),
  times: z.catch(times, "local"),
  theme: z.catch(theme, "system"),
  /** The columns of a list that were chosen, by its name; without one, the usual ones. */
  columns: z.catch(z.record(z.string(), z.catch(z.optional(z.array(z.string())), undefined)), {}),
});

export type View = z.output<typeof View>;

/** @param kept JSON, as it is kept; null if nothing was chosen yet */
export const viewOf = (kept: string | null): View => View.parse(JSON.parse(kept ?? "{}"));

/** Where a sign-in leads that asked for no page. */
export function startOf(kept: string | null): string {
  const view = viewOf(kept);
  return view.start === "overview" ? "/admin" : `/admin/${view.start}`;
}
