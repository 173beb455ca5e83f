// Staff's daily tasks, walked from the overview: each in as few clicks as it may take. Keys do not count.
import { readFileSync } from "node:fs";
import { exportJWK, generateKeyPair } from "jose";
import type { Locator, Page } from "playwright-core";
import { describe, expect } from "vitest";
import { axeFaults } from "./support/browser.ts";
import {
  activate,
  checkIn,
  inDays,
  mailCameBack,
  newCustomer,
  newLicense,
  newToken,
} from "./support/data.ts";
import { test } from "./support/test.ts";
import { ask, type House } from "./support/house.ts";

/** Someone at the keyboard and the mouse, whose clicks are counted. */
class Walker {
  clicks = 0;
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async click(what: Locator): Promise<void> {
    this.clicks += 1;
    await what.click();
  }

  async choose(field: Locator, option: string): Promise<void> {
    this.clicks += 1;
    await field.selectOption(option);
  }

  /** Searches everything by the keyboard alone. */
  async search(text: string): Promise<void> {
    await this.page.keyboard.press("/");
    // As it is pasted.
    await this.page.keyboard.insertText(text);
    await Promise.all([
      this.page.waitForURL(/\/admin\/(?:search|licenses)/),
      this.page.keyboard.press("Enter"),
    ]);
    await this.page.waitForLoadState();
  }

  /** Searches, and opens the first thing of what was found. */
  async openFirst(text: string): Promise<void> {
    await this.search(text);
    await this.page.keyboard.press("ArrowDown");
    await Promise.all([this.page.waitForURL(/\/admin\/[a-z]+\/[^/?]+$/), this.page.keyboard.press("Enter")]);
  }

  link(name: string): Locator {
    return this.page.locator("main").getByRole("link", { name, exact: true });
  }

  /** A button of the open dialog. */
  button(name: string): Locator {
    return this.page.getByRole("dialog").getByRole("button", { name, exact: true });
  }
}

const unique = (word: string): string => `${word} ${crypto.randomUUID().slice(0, 8)}`;

const firm = (house: House) => newCustomer(house, { name: "Felix Jensen", company: unique("Cobalt") });

const read = (house: House, id: string) => ask(house, `/v1/admin/licenses/${id}`);

describe("from the overview", () => {
  test("twelve licenses of one customer are renewed in 5 clicks", async ({ open, house }) => {
    const customer = (await firm(house)) as { id: string; company?: string };
    const made = [];
    for (let n = 0; n < 12; n++) {
      made.push(
        (await newLicense(house, { customer_id: customer.id, expires_at: inDays(20) } as object)).license,
      );
    }
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.search(String(customer.company));
    expect(await axeFaults(page)).toEqual([]);
    await staff.click(page.locator("main").getByRole("link", { name: "All that match" }).last());
    await staff.click(page.getByLabel("All on this page"));
    await staff.click(page.getByRole("button", { name: "Renew (12)" }));
    await page.waitForURL(/\/bulk/);
    await staff.click(page.getByRole("button", { name: "Renew licenses" }));
    await page.getByText("12 of 12 licenses done.").waitFor();
    expect(staff.clicks).toBeLessThanOrEqual(5);
    for (const { id, expires_at } of made) {
      expect(Date.parse((await read(house, id)).expires_at)).toBeGreaterThan(
        Date.parse(expires_at!) + 300 * 86_400_000,
      );
    }
  });

  test("a seat of a full license is freed in 4 clicks", async ({ open, house }) => {
    const customer = await firm(house);
    const { license, license_key } = await newLicense(house, { customer_id: customer.id, max_instances: 2 });
    for (const instance of ["pod-1", "pod-2"]) await activate(house, license_key, instance);
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.openFirst(license.id);
    expect(await page.locator("main").textContent()).toContain("silent longest");
    await staff.click(page.getByRole("link", { name: "Free the seat of pod-1" }));
    await staff.click(page.getByRole("dialog").locator("form button.danger"));
    await page.waitForURL(/done=/);
    expect(staff.clicks).toBeLessThanOrEqual(4);
    const { data } = await ask(house, `/v1/admin/licenses/${license.id}/activations?active=true`);
    expect(data.map((seat: { instance_id: string }) => seat.instance_id)).toEqual(["pod-2"]);
  });

  test("a license gets another 14 days in 3 clicks", async ({ open, house }) => {
    const expires_at = inDays(5);
    const { license } = await newLicense(house, { license_type: "trial", expires_at } as object);
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.openFirst(license.id);
    await staff.click(staff.link("Renew"));
    const dialog = page.getByRole("dialog");
    await staff.click(dialog.getByText("Another duration", { exact: true }).first());
    await dialog.getByRole("spinbutton", { name: "Another duration" }).fill("14");
    await dialog.getByText(/^14 days: /).waitFor();
    await staff.click(staff.button("Renew"));
    await page.waitForURL(/done=renewed/);
    expect(staff.clicks).toBeLessThanOrEqual(3);
    const longer = Date.parse((await read(house, license.id)).expires_at) - Date.parse(license.expires_at!);
    expect(longer).toBe(14 * 86_400_000);
  });

  test("what a colleague did this week is read in 2 clicks", async ({ open, house }) => {
    const name = unique("Grace Hopper");
    const { token } = await ask(house, "/v1/admin/api-tokens", { name, role: "manager" });
    const made = await ask({ ...house, token }, "/v1/admin/customers", { name: unique("Made by Grace") });
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(
      page.getByRole("navigation", { name: "Main" }).last().getByRole("link", { name: "Activity" }),
    );
    await page.getByLabel("By", { exact: true }).fill(name);
    await page.getByLabel("Since").fill(inDays(-7).slice(0, 10));
    await page.locator("#events").getByRole("link", { name: made.name }).waitFor();
    expect(staff.clicks).toBeLessThanOrEqual(2);
    expect(await axeFaults(page)).toEqual([]);
  });

  test("a leaked key is replaced, and the seats that run on it are ended, in 4 clicks", async ({
    open,
    house,
  }) => {
    const { license, license_key } = await newLicense(house);
    for (const instance of ["pod-1", "pod-2"]) await activate(house, license_key, instance);
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    // The leaked key itself leads to its license, and stays out of the address.
    await staff.search(license_key);
    expect(new URL(page.url()).pathname).toBe(`/admin/licenses/${license.id}`);
    await staff.click(staff.link("Replace key"));
    const dialog = page.getByRole("dialog");
    await staff.click(dialog.getByLabel("All seats"));
    await dialog.getByLabel("Reason").fill("It was on a public page.");
    await staff.click(dialog.locator("form .submit button"));
    await dialog.waitFor({ state: "detached" });
    expect(staff.clicks).toBeLessThanOrEqual(4);
    expect(await read(house, license.id)).toMatchObject({ revision: 2 });
    const { data } = await ask(house, `/v1/admin/licenses/${license.id}/activations?active=true`);
    expect(data).toEqual([]);
  });

  test("a license goes to another customer in 4 clicks", async ({ open, house }) => {
    const { license } = await newLicense(house);
    const other = (await firm(house)) as { id: string; company?: string };
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.openFirst(license.id);
    await staff.click(staff.link("Transfer"));
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Search the new customer").fill(String(other.company));
    await staff.click(dialog.getByText(String(other.company)));
    await dialog.getByLabel("Reason").fill("The firm was sold.");
    await staff.click(dialog.locator("form .submit button"));
    await page.waitForURL(/done=transferred/);
    expect(staff.clicks).toBeLessThanOrEqual(4);
    expect(await read(house, license.id)).toMatchObject({ customer_id: other.id });
  });

  test("a quarter's usage of a customer is had as CSV in 3 clicks", async ({ open, house }) => {
    const customer = (await firm(house)) as { id: string; company?: string };
    const { license, license_key } = await newLicense(house, { customer_id: customer.id });
    const { certificate } = await activate(house, license_key, "pod-1");
    const date = inDays(0).slice(0, 10);
    await checkIn(house, license_key, "pod-1", { certificate, usage: [{ date, requests: 7, services: 1 }] });
    const { page } = await open({ token: (await newToken(house, "viewer")).token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.openFirst(String(customer.company));
    await staff.click(staff.link("Usage"));
    await page.waitForURL(/\/usage$/);
    expect(await axeFaults(page)).toEqual([]);
    const [quarter] = await page.getByRole("navigation", { name: "Period" }).getByRole("link").all();
    await staff.click(quarter!);
    await page.waitForURL(/period=\d{4}-Q\d/);
    const [file] = await Promise.all([page.waitForEvent("download"), staff.click(staff.link("CSV"))]);
    expect(file.suggestedFilename()).toMatch(/^usage-.*-\d{4}-Q\d\.csv$/);
    const text = readFileSync(await file.path(), "utf8");
    expect(text).toContain(`${license.id},standard,${date.slice(0, 7)},requests,7,7`);
    expect(staff.clicks).toBeLessThanOrEqual(3);
  });

  test("instances below 2.0 are listed in 2 clicks", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house, { max_instances: 2 });
    await activate(house, license_key, unique("old"), { app_version: "1.9.3" });
    const { page } = await open({ token: (await newToken(house, "viewer")).token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(
      page.getByRole("navigation", { name: "Main" }).last().getByRole("link", { name: "Instances" }),
    );
    await page.getByLabel("Version below").fill("2.0");
    await page.waitForURL(/app_version_below=2/);
    expect(staff.clicks).toBeLessThanOrEqual(2);
    expect(license.id).toMatch(/^lic_/);
  });

  const nav = (page: Page, name: string): Locator =>
    page.getByRole("navigation", { name: "Main" }).last().getByRole("link", { name });

  test("a new customer gets a license by mail in 6 clicks", async ({ open, house }) => {
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(staff.link("New license"));
    await staff.click(page.getByText("A new customer, entered below"));
    const name = unique("Newcomer");
    const email = `${name.replaceAll(/\W/g, "").toLowerCase()}@tasks.example`;
    await page.getByLabel("New customer’s name").fill(name);
    await page.getByLabel("E-mail", { exact: true }).fill(email);
    await staff.click(page.getByLabel("Mail the key to the customer"));
    await staff.click(page.getByRole("button", { name: "Issue license" }));
    await page.waitForURL(/done=mailed/);
    expect(staff.clicks).toBeLessThanOrEqual(6);
    const id = new URL(page.url()).pathname.split("/")[3]!;
    const { data } = await ask(house, `/v1/admin/messages?license_id=${id}`);
    expect(data).toMatchObject([{ kind: "license_delivery", recipient: email }]);
  });

  test("who ends next month and was not told is listed in 2 clicks", async ({ open, house }) => {
    const now = new Date();
    const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 15))
      .toISOString()
      .slice(0, 10);
    const later = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 3, 15))
      .toISOString()
      .slice(0, 10);
    const { license } = await newLicense(house, { expires_at: day } as object);
    const { license: other } = await newLicense(house, { expires_at: later } as object);
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(nav(page, "Licenses"));
    await staff.click(staff.link("next month"));
    await page.waitForURL(/told=no/);
    await page.getByText(license.id).first().waitFor();
    expect(await page.getByText(other.id).count()).toBe(0);
    expect(staff.clicks).toBeLessThanOrEqual(2);
    expect(await axeFaults(page)).toEqual([]);
  });

  test("a license goes to a higher type with its terms in 4 clicks", async ({ open, house }) => {
    const { license } = await newLicense(house, { license_type: "trial" } as object);
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.openFirst(license.id);
    await staff.click(staff.link("Edit terms"));
    const dialog = page.getByRole("dialog");
    await staff.choose(dialog.getByLabel("Type", { exact: true }), "enterprise");
    await staff.click(dialog.getByText("The terms of that type"));
    await dialog.getByText("What would change").first().waitFor({ state: "attached" });
    await staff.click(staff.button("Save"));
    await page.waitForURL(/done=changed/);
    expect(staff.clicks).toBeLessThanOrEqual(4);
    const type = await ask(house, "/v1/admin/license-types/enterprise");
    expect(await read(house, license.id)).toMatchObject({
      license_type: "enterprise",
      max_instances: type.max_instances,
      features: type.features,
    });
  });

  test("an installation without a network is renewed in 4 clicks", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house, { max_instances: 1 });
    const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const { kty, crv, x } = await exportJWK(publicKey);
    const instance_id = unique("island").replace(" ", "-");
    const request = { license_key, instance_id, public_key: { kty, crv, x } };
    await ask(house, `/v1/admin/licenses/${license.id}/offline-activations`, { request, lease_days: 30 });
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(nav(page, "Air gap"));
    staff.clicks += 1;
    await page.getByLabel("Request file").setInputFiles({
      name: "island.caio-request",
      mimeType: "application/octet-stream",
      buffer: Buffer.from(JSON.stringify(request)),
    });
    await page.getByRole("heading", { name: `Renew ${instance_id}?` }).waitFor();
    await staff.click(page.getByRole("button", { name: "Make the license file" }));
    const downloading = page.waitForEvent("download");
    await staff.click(page.getByRole("button", { name: "Download" }));
    expect((await downloading).suggestedFilename()).toBe(`${instance_id}.caio-license`);
    expect(staff.clicks).toBeLessThanOrEqual(4);
    const { data } = await ask(house, `/v1/admin/licenses/${license.id}/activations?active=true`);
    expect(data).toHaveLength(1);
  });

  test("a bounced address is corrected, and the mail sent there, in 5 clicks", async ({ open, house }) => {
    const customer = await firm(house);
    const { license } = await newLicense(house, { customer_id: customer.id, send_email: true } as object);
    await mailCameBack(house, license.id, "bounced");
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(page.locator("main").getByRole("link", { name: String(customer.email) }));
    await staff.click(staff.link("Correct and send"));
    const right = `right-${customer.email}`;
    await page.getByRole("dialog").getByLabel("The right address").fill(right);
    await staff.click(staff.button("Correct and send"));
    await page.waitForURL(/done=replaced/);
    expect(staff.clicks).toBeLessThanOrEqual(5);
    expect(await axeFaults(page)).toEqual([]);
    expect(await ask(house, `/v1/admin/customers/${customer.id}`)).toMatchObject({ email: right });
    const { data } = await ask(house, `/v1/admin/messages?license_id=${license.id}`);
    expect(data).toMatchObject([{ recipient: right }, { status: "bounced", reason: "superseded" }]);
  });

  test("an auditor gets access for a month in 4 clicks", async ({ open, house }) => {
    const name = unique("Auditor");
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(nav(page, "Settings"));
    await staff.click(staff.link("API tokens"));
    await staff.click(staff.link("For an auditor: 30 days"));
    await page.getByLabel("Name", { exact: true }).fill(name);
    await staff.click(page.getByRole("button", { name: "Create the token" }));
    await page.getByText("Copy the token now").waitFor();
    expect(staff.clicks).toBeLessThanOrEqual(4);
    const { data } = await ask(house, "/v1/admin/api-tokens");
    const made = data.find((token: { name: string }) => token.name === name);
    expect(made).toMatchObject({ role: "viewer" });
    const days = (Date.parse(made.expires_at) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
  });

  test("a kind of trouble is settled from the overview, with its reason", async ({ open, house }) => {
    const customer = await firm(house);
    const { license } = await newLicense(house, {
      customer_id: customer.id,
      send_email: true,
    } as object);
    await mailCameBack(house, license.id, "bounced");
    const { page } = await open({ token: house.token });
    await page.goto("/admin");
    expect(await axeFaults(page)).toEqual([]);
    const row = page
      .locator(".list.kinds li")
      .filter({ has: page.locator(`a[href="/admin/licenses/${license.id}"]`) });
    await row.getByRole("link", { name: "Settle" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("They leave.");
    expect(await axeFaults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Settle" }).click();
    await page.waitForURL(/done=settled/);
    expect(await row.count()).toBe(0);
  });

  test("the brand of a mail is seen in 2 clicks", async ({ open, house }) => {
    const { page } = await open({ token: (await newToken(house, "viewer")).token });
    await page.goto("/admin");
    const staff = new Walker(page);
    await staff.click(
      page.getByRole("navigation", { name: "Main" }).last().getByRole("link", { name: "Settings" }),
    );
    await staff.click(staff.link("Mail and brand"));
    const mail = page.frameLocator("iframe");
    await page.locator("iframe").scrollIntoViewIfNeeded();
    await mail.getByRole("heading").or(mail.getByRole("paragraph")).first().waitFor();
    expect(staff.clicks).toBeLessThanOrEqual(2);
    expect(await axeFaults(page)).toEqual([]);
  });

  test("what was entered in a dialog is thrown away by Esc only if it is pressed twice", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    const dialog = page.getByRole("dialog");
    await page.getByRole("link", { name: "Suspend" }).click();
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Suspend" }).click();
    await dialog.getByLabel("Reason").fill("Invoice 4711");
    await page.keyboard.press("Escape");
    await dialog.getByText("Press Esc again").waitFor();
    expect(await dialog.getByLabel("Reason").inputValue()).toBe("Invoice 4711");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  test("times are in the reader's zone and spelling, with UTC at hand, or in UTC if they chose so", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house);
    // Of its own: what is chosen is kept with it.
    const { token } = await newToken(house, "viewer");
    const { page, context } = await open({ token });
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Tokyo" });
    await devtools.send("Emulation.setLocaleOverride", { locale: "de-DE" });
    await page.goto(`/admin/licenses/${license.id}`);
    const issued = page.locator(".timeline time").first();
    expect(await issued.textContent()).toMatch(/^\d{1,2}\. \S+ \d{4} \d\d:\d\d\sGMT\+9/);
    expect(await issued.getAttribute("title")).toMatch(/T\d\d:\d\d:\d\d\.\d{3}Z$/);
    await page.goto("/admin/settings/view");
    await page.getByText("in UTC", { exact: true }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.goto(`/admin/licenses/${license.id}`);
    expect(await issued.textContent()).toMatch(/^[A-Z][a-z]{2} \d{1,2}, \d{4} \d\d:\d\d\sUTC/);
  });
});
