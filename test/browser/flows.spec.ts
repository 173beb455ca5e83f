// What staff come for, done as a person does it: with scripts, where forms open as dialogs, and without.
import { readFile } from "node:fs/promises";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { Locator, Page } from "playwright-core";
import { describe, expect } from "vitest";
import { axeFaults } from "./support/browser.ts";
import { activate, HOSTILE, newCustomer, newLicense } from "./support/data.ts";
import { test } from "./support/test.ts";
import { ask, call, type House } from "./support/house.ts";

const readLicense = (house: House, id: string) => ask(house, `/v1/admin/licenses/${id}`);

/** Follows a link to a form, and returns where it shows: in a dialog over the page, or on a page of its own. */
async function openForm(page: Page, js: boolean, name: string): Promise<Locator> {
  await page.locator("main").getByRole("link", { name, exact: true }).first().click();
  const form = js ? page.getByRole("dialog") : page.locator("main");
  await form.locator("form button").first().waitFor();
  return form;
}

const doneOf = (page: Page): Promise<string | null> => page.getByRole("status").textContent();

describe.each([{ js: true }, { js: false }])("with scripts: $js", ({ js }) => {
  test("a license is issued to a new customer and mailed, and its key is copied", async ({ open, house }) => {
    const { page } = await open({ js, token: house.token });
    await page.goto("/admin");
    await page.getByRole("link", { name: "New license" }).click();
    await page.getByLabel("A new customer, entered below").check();
    const name = `Globex ${crypto.randomUUID().slice(0, 8)}`;
    await page.getByLabel("New customer’s name").fill(name);
    await page.getByLabel("E-mail").last().fill("ops@globex.example");
    await page.getByLabel("Type", { exact: true }).selectOption("enterprise");
    const claims = page.locator("#claims");
    // The terms follow the type: by themselves, or by a button for who has no scripts.
    if (!js) await page.getByRole("button", { name: "Take the terms of this type" }).click();
    await expect.poll(() => claims.textContent()).toContain('"license_type": "enterprise"');
    await page.getByLabel("Instances", { exact: true }).fill("7");
    if (!js) await page.getByRole("button", { name: "Update the preview" }).click();
    await expect.poll(() => claims.textContent()).toContain('"max_instances": 7');
    await page.getByLabel("Mail the key to the customer").check();
    await page.getByRole("button", { name: "Issue license" }).click();

    await page.waitForURL(/\/key\?done=mailed$/);
    expect(await doneOf(page)).toMatch(/^The license is issued, and .* ops@globex\.example/);
    const key = await page.getByLabel("License key").inputValue();
    if (js) {
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    } else {
      expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(0);
    }
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download as a file" }).click();
    const download = await downloading;
    expect((await readFile(await download.path(), "utf8")).trim()).toBe(key);

    // What a customer would make of it: the published keys verify it, and an installation starts with it.
    const keys = createLocalJWKSet(await ask(house, "/.well-known/jwks.json"));
    const { payload } = await jwtVerify(key, keys, { typ: "license+jwt" });
    expect(payload).toMatchObject({ license_type: "enterprise", max_instances: 7 });
    expect((await activate(house, key, "caio-1")).status).toBe("activated");
    const messages = await ask(house, `/v1/admin/messages?license_id=${payload.jti}`);
    expect(messages.data).toMatchObject([{ kind: "license_delivery", recipient: "ops@globex.example" }]);
    const customers = await ask(house, `/v1/admin/customers?q=${encodeURIComponent(name)}`);
    expect(customers.data).toMatchObject([{ id: payload.sub, name }]);
  });

  test("a form that is refused comes back with all that was entered", async ({ open, house }) => {
    const { page } = await open({ js, token: house.token, refusals: [422] });
    await page.goto("/admin/licenses/new");
    await page.getByLabel("A new customer, entered below").check();
    await page.getByLabel("New customer’s name").fill(HOSTILE);
    await page.getByLabel("On a date", { exact: true }).check();
    await page.getByRole("button", { name: "Issue license" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByLabel("New customer’s name").inputValue()).toBe(HOSTILE);
    expect(await page.getByLabel("On a date", { exact: true }).isChecked()).toBe(true);
    // The field that is wrong is red like what says so, once the styles are there.
    await page.waitForLoadState();
    const colors = await page.evaluate(() => [
      getComputedStyle(document.querySelector("#ends_on")!).borderTopColor,
      getComputedStyle(document.querySelector("#ends_on-fault")!).color,
    ]);
    expect(colors[0]).toBe(colors[1]);
    if (js) expect(await axeFaults(page)).toEqual([]);
  });

  test("a license is renewed from its end on", async ({ open, house }) => {
    const { license } = await newLicense(house, { expires_days: 10 } as object);
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    const form = await openForm(page, js, "Renew");
    await form.getByLabel(/^1 year/).check();
    await form.getByRole("button", { name: "Renew" }).click();
    await page.waitForURL(/done=renewed$/);
    expect(await doneOf(page)).toContain("Renewed");
    const { expires_at } = await readLicense(house, license.id);
    expect(Date.parse(expires_at) - Date.parse(license.expires_at!)).toBe(365 * 86_400_000);
  });

  test("a license is suspended after a look at whom it stops, reinstated, and revoked", async ({
    open,
    house,
  }) => {
    const { license, license_key } = await newLicense(house);
    await activate(house, license_key, "caio-berlin", { hostname: "node-7" });
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);

    const suspending = await openForm(page, js, "Suspend");
    expect(await suspending.textContent()).toContain("1 instance would be refused at the next check-in");
    if (js) expect(await axeFaults(page)).toEqual([]);
    await suspending.getByRole("link", { name: "Cancel" }).click();
    await suspending.getByRole("button", { name: "Suspend license" }).waitFor({ state: "detached" });
    expect((await readLicense(house, license.id)).status).toBe("active");

    const again = await openForm(page, js, "Suspend");
    await again.getByLabel("Reason").fill(HOSTILE);
    await again.getByRole("button", { name: "Suspend license" }).click();
    await page.waitForURL(/done=suspended$/);
    expect(await doneOf(page)).toBe("Suspended.");
    expect(await page.locator("main").textContent()).toContain(HOSTILE);
    const refused = await call(house, "/v1/activate", { license_key, instance_id: "caio-paris" });
    expect(refused.body.code).toBe("LICENSE_SUSPENDED");

    const lifting = await openForm(page, js, "Reinstate");
    await lifting.getByRole("button", { name: "Reinstate" }).click();
    await page.waitForURL(/done=reinstated$/);
    expect((await readLicense(house, license.id)).status).toBe("active");

    const revoking = await openForm(page, js, "Revoke");
    await revoking.getByLabel("Reason").fill("The contract was ended.");
    await revoking.getByRole("button", { name: "Revoke license" }).click();
    await page.waitForURL(/done=revoked$/);
    expect((await readLicense(house, license.id)).status).toBe("revoked");
    expect(await page.getByRole("link", { name: "Reinstate" }).count()).toBe(0);
  });

  test("terms are edited over a version; who comes too late is told and loses nothing", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house, { max_instances: 5 });
    const { page } = await open({ js, token: house.token, refusals: [412] });
    await page.goto(`/admin/licenses/${license.id}/edit`);
    await page.getByLabel("Instances", { exact: true }).fill("4");
    if (!js) await page.getByRole("button", { name: "See the effect" }).click();
    await expect.poll(() => page.locator("#impact").textContent()).toContain("At most 4 hold a seat.");
    await ask(house, `/v1/admin/licenses/${license.id}`, { max_services: 99 }, "PATCH");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByLabel("Instances", { exact: true }).inputValue()).toBe("4");
    expect(await readLicense(house, license.id)).toMatchObject({ max_instances: 5, max_services: 99 });

    // Told what is there now, whoever saves again means it.
    await page.getByLabel("Services", { exact: true }).fill("99");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/done=changed$/);
    expect(await readLicense(house, license.id)).toMatchObject({ max_instances: 4, max_services: 99 });
  });

  test("a license that somebody else renewed is renewed once more only by who sees that", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house, { expires_at: "2099-01-31" } as object);
    const { page } = await open({ js, token: house.token, refusals: [412] });
    await page.goto(`/admin/licenses/${license.id}`);
    const form = await openForm(page, js, "Renew");
    await form.getByLabel(/^2 years/).check();
    await ask(house, `/v1/admin/licenses/${license.id}/renew`, { expires_in: "P1Y" });
    await form.getByRole("button", { name: "Renew" }).click();
    // A form that is refused comes back as a page, from a dialog, too.
    const main = page.locator("main");
    const told = main.getByRole("alert");
    await told.waitFor();
    expect(await told.textContent()).toMatch(/Renewed.*expiresJan 31, 2099Jan 31, 2100/);
    expect(await main.getByLabel(/^2 years: Jan 31, 2102/).isChecked()).toBe(true);
    expect((await readLicense(house, license.id)).expires_at).toMatch(/^2100-02-01/);
    if (js) expect(await axeFaults(page)).toEqual([]);
    await main.getByRole("button", { name: "Renew" }).click();
    await page.waitForURL(/done=renewed$/);
    expect((await readLicense(house, license.id)).expires_at).toMatch(/^2102-02-01/);
  });

  test("Enter saves what was edited, and issues a license", async ({ open, house }) => {
    const { license } = await newLicense(house, { max_instances: 5 });
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    const form = await openForm(page, js, "Edit terms");
    await form.getByLabel("Instances", { exact: true }).fill("4");
    await form.getByLabel("Instances", { exact: true }).press("Enter");
    await page.waitForURL(/done=changed$/);
    expect(await readLicense(house, license.id)).toMatchObject({ max_instances: 4 });

    await page.goto(`/admin/licenses/new?customer_id=${license.customer_id}`);
    if (js) {
      // In the search it searches.
      await page.getByLabel("Search").fill("nobody is called so");
      await page.getByLabel("Search").press("Enter");
      await expect.poll(() => page.locator("#customers .choice").count()).toBe(2);
    }
    await page.getByLabel("Instances", { exact: true }).fill("3");
    await page.getByLabel("Instances", { exact: true }).press("Enter");
    await page.waitForURL(/\/key\?done=issued$/);
  });

  test("a start can be entered, whatever the end", async ({ open, house }) => {
    const { page } = await open({ js, token: house.token });
    await page.goto("/admin/licenses/new");
    const choices = page.locator('[name="ends"]');
    expect(await choices.count()).toBe(7);
    for (const choice of await choices.all()) {
      await choice.check();
      expect(await page.locator('[name="starts_at"]').isVisible()).toBe(true);
      const isDate = (await choice.inputValue()) === "date";
      expect(await page.locator('[name="ends_on"]').isVisible()).toBe(isDate);
    }
  });

  test("the reason has the focus where one is asked for", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house);
    await activate(house, license_key, "caio-1");
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    const form = await openForm(page, js, "Suspend");
    await expect
      .poll(() => form.getByLabel("Reason").evaluate((field) => field === document.activeElement))
      .toBe(true);
  });

  test("a leaked key is replaced, and the old one refused", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house);
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    const form = await openForm(page, js, "Replace key");
    await form.getByLabel("Reason").fill("It was posted in a forum.");
    await form.getByRole("button", { name: "Replace key" }).click();
    await page.waitForURL(/key\?done=reissued$/);
    const fresh = await page.getByLabel("License key").inputValue();
    expect(fresh).not.toBe(license_key);
    const old = await call(house, "/v1/validate", { license_key });
    expect(old.body.code).toBe("LICENSE_KEY_SUPERSEDED");
    expect((await call(house, "/v1/validate", { license_key: fresh })).body.code).toBe("VALID");
  });

  test("licenses are found by what is entered, and several suspended at once", async ({ open, house }) => {
    const customer = await newCustomer(house, { name: `Zebra ${crypto.randomUUID().slice(0, 8)}` });
    const one = await newLicense(house, { customer_id: customer.id });
    const two = await newLicense(house, { customer_id: customer.id });
    const other = await newLicense(house);
    const { page } = await open({ js, token: house.token });
    await page.goto("/admin/licenses");
    await page.getByLabel("Search").fill(customer.name);
    if (!js) await page.getByRole("button", { name: "Apply" }).click();
    const table = page.locator("#licenses");
    await expect.poll(() => table.textContent()).not.toContain(other.license.id);
    expect(await table.locator("tbody tr").count()).toBe(2);
    await expect.poll(() => new URL(page.url()).searchParams.get("q")).toBe(customer.name);

    if (js) {
      await page.getByLabel("All on this page").check();
      expect(await page.getByRole("button", { name: "Suspend (2)" }).count()).toBe(1);
    } else {
      for (const { license } of [one, two]) await page.getByLabel(`Select ${license.id}`).check();
    }
    await page.getByRole("button", { name: /^Suspend/ }).click();
    await page.getByLabel("Reason").fill("Both are not paid.");
    await page.getByRole("button", { name: "Suspend licenses" }).click();
    await expect.poll(() => doneOf(page)).toContain("2 of 2 licenses done");
    for (const { license } of [one, two])
      expect((await readLicense(house, license.id)).status).toBe("suspended");
    expect((await readLicense(house, other.license.id)).status).toBe("active");
  });

  test("two clicks on a button do one thing", async ({ open, house }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}/renew`);
    await page.getByLabel(/^1 year/).check();
    await page.getByRole("button", { name: "Renew" }).dblclick();
    // The second click ends the navigation of the first, and waiting for that one would be told so.
    await expect.poll(() => page.url()).toMatch(/done=renewed$/);
    const { data } = await ask(house, `/v1/admin/licenses/${license.id}/events`);
    expect(data.filter(({ action }: { action: string }) => action === "license.renewed")).toHaveLength(1);
  });
});
