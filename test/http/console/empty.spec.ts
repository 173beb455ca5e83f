// Lists without a row: what would fill them, and the next step.
import { beforeAll, describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { freshRecord } from "../../support/record.ts";

beforeAll(freshRecord);

const emptyOf = async (visitor: Visitor, path: string): Promise<string> =>
  /<div class="empty">(.*?)<\/div>/s.exec((await visitor.get(path)).html)?.[1] ?? "";

const LISTS = [
  ["licenses", "No license was issued yet.", ["/admin/licenses/new", "/admin/imports"]],
  ["customers", "There is no customer yet.", ["/admin/imports"]],
  ["instances", "No instance was activated yet.", ["/docs"]],
  ["requests", "No customer asked for anything yet.", ["/admin/customers"]],
  ["messages", "Nothing was mailed yet.", ["/admin/settings/mail"]],
  ["attention/settled", "Nothing is settled.", ["/admin"]],
] as const;

const linksIn = (html: string) => [...html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href);

describe("an empty list", () => {
  it.each(LISTS)("says what fills it, and leads on: %s", async (name, words, links) => {
    const empty = await emptyOf(await Visitor.signIn(), `/admin/${name}`);
    expect(empty).toContain(words);
    expect(linksIn(empty)).toEqual(links);
  });

  it.each(LISTS)("leads a viewer to nothing that is refused: %s", async (name, words) => {
    const viewer = await Visitor.signInAs("viewer");
    const empty = await emptyOf(viewer, `/admin/${name}`);
    expect(empty).toContain(words);
    for (const link of linksIn(empty)) {
      if (link !== "/docs") expect([link, (await viewer.get(link!)).status]).toEqual([link, 200]);
    }
  });

  it("says nothing of that where filters find nothing", async () => {
    const empty = await emptyOf(await Visitor.signIn(), "/admin/requests?status=open");
    expect(empty).toBe("Nothing matches these filters.");
  });

  it("of requests says that the customer's site is off", async () => {
    const owner = await Visitor.signIn(undefined, { ...env, PORTAL: "off" });
    const empty = await emptyOf(owner, "/admin/requests");
    expect(empty).toContain("is switched off (PORTAL=off)");
    expect(linksIn(empty)).toEqual([]);
  });
});
