// How somebody sees the console in this browser: kept in a cookie, because a person has more than one screen.
import { getCookie, setCookie } from "hono/cookie";
import * as z from "zod/mini";
import { DAY } from "../../kernel/dates.ts";
import type { Http } from "../http.ts";

const COOKIE = "__Host-caio-view";

export const STARTS = ["overview", "licenses", "customers", "instances", "messages", "activity"] as const;

/** Every member has a default, so that an old or broken cookie is none. */
export const View = z.object({
  /** `comfortable`: more room in each row. */
  rows: z.enum(["comfortable", "dense"]),
  /** The page after the sign-in. */
  start: z.enum(STARTS),
  /** Whose times are shown: the browser's own zone, or UTC. */
  times: z.enum(["local", "utc"]),
});

export type View = z.output<typeof View>;

const DEFAULT: View = { rows: "comfortable", start: "overview", times: "local" };

export function viewOf(http: Http): View {
  const [rows, start, times] = (getCookie(http, COOKIE) ?? "").split(".");
  const read = View.safeParse({ rows, start, times });
  return read.success ? read.data : DEFAULT;
}

export function keepView(http: Http, { rows, start, times }: View): void {
  const maxAge = (400 * DAY) / 1_000;
  const options = { path: "/", httpOnly: true, secure: true, sameSite: "Lax", maxAge } as const;
  setCookie(http, COOKIE, [rows, start, times].join("."), options);
}

/** Where a sign-in leads that asked for no page. */
export const startOf = (http: Http): string => {
  const { start } = viewOf(http);
  return start === "overview" ? "/admin" : `/admin/${start}`;
};
