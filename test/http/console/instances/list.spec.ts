// The list of instances: by version, by label, and as a file.
import { describe, expect, it } from "vitest";
import { byVersion } from "../../../../src/licensing/instances/by-version.ts";
import { readCsv } from "../../../../src/licensing/sheets/sheets.ts";
import { Visitor } from "../../../support/console.ts";
import { metered } from "../../../support/meter.ts";
import { activate, eventsOf, newCustomer, newLicense, unique } from "../../../support/service.ts";

/** A license with an instance of each version; those without one report none. */
async function installed(versions: (string | null)[], more: (n: number) => object = () => ({})) {
  const customer = await newCustomer({ company: unique("Cobalt") });
  const { license, license_key } = await newLicense({ customer_id: customer.id, max_instances: null });
  for (const [n, version] of versions.entries()) {
    const answer = await activate(license_key, `box-${n}`, {
      ...(version === null ? {} : { app_version: version }),
      ...more(n),
    });
    expect(answer.status).toBe(200);
  }
  return { id: license.id as string, customer };
}

const shown = (html: string): string[] =>
  [...html.matchAll(/<a href="[^"]+">(box-\d+)</g)].map(([, name]) => name!);

const nextOf = (html: string): string | undefined =>
  /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");

describe("versions", () => {
  it("are in semantic order; then come other texts, then none", () => {
    const sorted = ["1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0", "2.0.0+b", "17", "nightly", null];
    expect(sorted.toReversed().toSorted(byVersion)).toEqual(sorted);
  });
});

describe("the list of instances", () => {
  it("is ordered by version, up and down, page by page", async () => {
    const { id } = await installed(["2.0.0", "1.10.0", null, "1.9.0", "nightly"]);
    const visitor = await Visitor.signInAs("viewer");
    for (const [sort, wanted] of [
      ["version", ["box-3", "box-1", "box-0", "box-4", "box-2"]],
      ["version_last", ["box-2", "box-4", "box-0", "box-1", "box-3"]],
    ] as const) {
      const seen: string[] = [];
      let path: string | undefined = `/admin/instances?license_id=${id}&sort=${sort}&limit=2`;
      while (path !== undefined) {
        const { html, status }: { html: string; status: number } = await visitor.get(path);
        expect(status).toBe(200);
        seen.push(...shown(html));
        path = nextOf(html);
      }
      expect(seen).toEqual(wanted);
    }
    const { html } = await visitor.get(`/admin/instances?license_id=${id}&sort=version`);
    expect(html).toMatch(/aria-sort="ascending"><a href="[^"]*sort=version_last">Version</);
  });

  it("goes on in the order of versions where the last one shown is gone", async () => {
    const { id } = await installed(["1.0.0", "2.0.0", "3.0.0"]);
    const visitor = await Visitor.signInAs("manager");
    const first = await visitor.get(`/admin/instances?license_id=${id}&sort=version&limit=2&active=true`);
    expect(shown(first.html)).toEqual(["box-0", "box-1"]);
    const seat = /href="(\/admin\/instances\/[^"]+)">box-1</.exec(first.html)![1]!;
    await visitor.fill(`${seat}/free`);
    expect(shown((await visitor.get(nextOf(first.html)!)).html)).toEqual(["box-2"]);
  });

  it("finds what runs below 2.0, of a customer, and what has a label", async () => {
    const { id, customer } = await installed(["2.0.0", "1.9.3", "2.0.0-rc.1"], (n) => ({
      labels: { environment: n === 1 ? "staging" : "production", zone: "a=b" },
    }));
    const visitor = await Visitor.signInAs("viewer");
    const find = async (query: string) => {
      const { html } = await visitor.get(`/admin/instances?customer_id=${customer.id}&${query}`);
      return shown(html).toSorted();
    };
    expect(await find("app_version_below=2.0")).toEqual(["box-1", "box-2"]);
    expect(await find("has_label=environment%3Dstaging")).toEqual(["box-1"]);
    expect(await find("has_label=zone%3Da%3Db&app_version_below=2")).toEqual(["box-1", "box-2"]);
    expect(await find("has_label=environment%3Dstaging&label.zone=other")).toEqual([]);
    expect(await visitor.get("/admin/instances?has_label=staging")).toMatchObject({ status: 422 });
    const { text } = await visitor.get(`/admin/instances?license_id=${id}`);
    expect(text).toContain("1.9.3 staging zone=a=b");
    expect(text).toContain(customer.company);
  });

  it("costs three trips and at most as many rows as are put in order", async () => {
    const { id } = await installed(["2.0.0", "1.0.0"]);
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    for (const query of [`license_id=${id}`, `license_id=${id}&sort=version`]) {
      cost.trips = cost.read = 0;
      await visitor.get(`/admin/instances?${query}`);
      expect(cost.trips).toBeLessThanOrEqual(3);
      // A session, the rows, the count, and whose they are.
      expect(cost.read).toBeLessThanOrEqual(2 + 2 + 2 + 4);
    }
  });
});

describe("the export of instances", () => {
  it("has what the filters of the list find, with whose they are, and is recorded", async () => {
    const { id, customer } = await installed(["2.0.0", "1.9.3"], () => ({
      hostname: "=vault",
      labels: { env: "x" },
    }));
    const visitor = await Visitor.signInAs("viewer");
    const list = await visitor.get(
      `/admin/instances?license_id=${id}&app_version_below=2.0&sort=version&limit=1`,
    );
    const path = `/admin/exports/instances?license_id=${id}&app_version_below=2.0`;
    expect(list.html).toContain(`href="${path.replaceAll("&", "&amp;")}"`);
    const file = await visitor.submit(await visitor.get(path));
    expect(file.headers.get("Content-Disposition")).toMatch(/filename="instances-[\d-]+\.csv"$/);
    expect(readCsv(file.html).rows.map(({ cells }) => cells)).toMatchObject([
      {
        license_id: id,
        customer_id: customer.id,
        customer: customer.company,
        instance_id: "box-1",
        // A spreadsheet must not calculate it.
        hostname: "=vault",
        app_version: "1.9.3",
        labels: '{"env":"x"}',
        active: "true",
        ended_at: "",
      },
    ]);
    expect(file.html).toContain("'=vault");
    const [last] = (await eventsOf("instances"))
      .filter(({ action }) => action === "instances.exported")
      .slice(-1);
    expect(JSON.parse(last!.detail)).toEqual({ format: "csv", filters: "license_id app_version_below" });
    const json = await visitor.submit(await visitor.get(`/admin/exports/instances?license_id=${id}`), {
      format: "json",
    });
    expect(JSON.parse(json.html)).toHaveLength(2);
    expect(await visitor.submit(await visitor.get("/admin/exports/instances?active=maybe"))).toMatchObject({
      status: 422,
    });
  });

  it("is not had by an address, nor by a form of another site", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const form = await visitor.get("/admin/exports/instances");
    expect(form.headers.get("Content-Disposition")).toBeNull();
    const foreign = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    const own = Object.fromEntries(form.forms.at(-1)!.fields);
    expect(await visitor.post("/admin/exports/instances", own, foreign)).toMatchObject({ status: 403 });
  });
});
