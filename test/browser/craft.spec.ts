// What makes a page good to work with: room for names of any length, the keyboard, and nothing that moves.
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { axeFaults, overflow } from "./support/browser.ts";
import { loadOf } from "./support/crawl.ts";
import { activate, newCustomer, newLicense } from "./support/data.ts";
import { test } from "./support/test.ts";

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent.trim() ?? "");

/** Tables that do not fit: their last columns, with the buttons, would be out of sight. */
const cutTables = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll(".wide")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map((table) => table.getAttribute("aria-label") ?? ""),
  );

describe("names and ids of any length", () => {
  test("fit, with all that can be done beside them", { timeout: 120_000 }, async ({ open, house }) => {
    const customer = await newCustomer(house, {
      name: "N".repeat(200),
      company: "C".repeat(200),
      email: `${"e".repeat(60)}@${"d".repeat(60)}.example`,
    });
    const { license, license_key } = await newLicense(house, { customer_id: customer.id, max_instances: 3 });
    await activate(house, license_key, "i".repeat(120), {
      hostname: `${"h".repeat(200)}.example`,
      app_version: "17.4.2-rc.1+build.20261101",
    });
    const { page } = await open({ token: house.token });
    for (const path of [
      `/admin/customers?q=${customer.id}`,
      `/admin/customers/${customer.id}`,
      `/admin/customers/${customer.id}/edit`,
      `/admin/customers/${customer.id}/delete`,
      `/admin/licenses?q=${customer.id}`,
      `/admin/licenses/new?customer_id=${customer.id}`,
      `/admin/licenses/bulk?do=suspend&id=${license.id}`,
      `/admin/licenses/${license.id}`,
      `/admin/licenses/${license.id}/reissue`,
      `/admin/licenses/${license.id}/statements/${new Date().toISOString().slice(0, 7)}`,
      `/admin/licenses/${license.id}/suspend`,
      `/admin/licenses/${license.id}/send`,
      `/admin/instances?license_id=${license.id}`,
    ]) {
      await page.goto(path);
      for (const width of [1280, 768, 390, 360]) {
        await page.setViewportSize({ width, height: 844 });
        expect.soft(await overflow(page), `${path} at ${width}`).toBe(0);
        expect.soft(await cutTables(page), `${path} at ${width}`).toEqual([]);
      }
    }
  });
});

describe("a list of as many rows as fit", () => {
  const MAX_LOAD = 100 * 1_024;

  test("weighs at most 100 KB with its style sheet and script", async ({ open, house }) => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const company = `Cobalt Mining and Metals of the North ${n}`;
        const { id } = await newCustomer(house, {
          name: "Felix Jensen",
          company,
          email: `it-${n}@cobalt.example`,
        });
        const { license_key } = await newLicense(house, {
          customer_id: id,
          send_email: true,
          notes: "Renewed by phone.",
        } as object);
        await activate(house, license_key, `caio-${crypto.randomUUID()}`, {
          hostname: `caio-${n}.cobalt.example`,
        });
      }),
    );
    const { page } = await open({ token: house.token });
    for (const list of ["licenses", "customers", "instances", "messages", "activity"]) {
      const answer = await page.goto(`/admin/${list}`);
      const html = await answer!.text();
      expect.soft(await page.locator("tbody tr, .timeline > li").count(), list).toBeGreaterThanOrEqual(25);
      expect.soft(await loadOf(page, house, html), list).toBeLessThanOrEqual(MAX_LOAD);
    }
  });

  test("copies the whole id of a row, however little is shown", async ({ open, house }) => {
    const customer = await newCustomer(house);
    const { license } = await newLicense(house, { customer_id: customer.id });
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses?customer_id=${customer.id}`);
    await page.getByTitle(`Copy ${license.id}`).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(license.id);
  });
});

// Browsers fill what is not chosen with gray in the dark, as if it could not be.
test("a question without an answer has choices that look open, and one with an answer too", async ({
  open,
  house,
}) => {
  const { license } = await newLicense(house);
  const { page } = await open({ token: house.token, theme: "dark" });
  const appearances = (name: string): Promise<string[]> =>
    page
      .locator(`input[type=radio][name=${name}]:not(:checked)`)
      .evaluateAll((radios) => radios.map((radio) => getComputedStyle(radio).appearance));
  await page.goto(`/admin/licenses/${license.id}/renew`);
  expect(new Set(await appearances("ends"))).toEqual(new Set(["none"]));
  await page.goto(`/admin/licenses/${license.id}/edit`);
  expect(await page.locator("input[type=radio][name=terms]:checked").count()).toBe(0);
  expect(new Set(await appearances("terms"))).toEqual(new Set(["none"]));
});

describe("by keyboard", () => {
  test("the content is one step away, and each form opens, closes and gives the focus back", async ({
    open,
    house,
  }) => {
    const { license, license_key } = await newLicense(house);
    await activate(house, license_key, "caio-1");
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Licenses");

    const dialog = page.getByRole("dialog");
    for (const name of ["Renew", "Send key", "Edit terms", "Replace key", "Suspend", "Revoke"]) {
      const link = page.locator("main").getByRole("link", { name, exact: true });
      await link.focus();
      await page.keyboard.press("Enter");
      await dialog.waitFor();
      // It is named by its heading, and holds the focus.
      expect(await dialog.getByRole("heading").first().textContent()).not.toBe("");
      expect(await page.evaluate(() => document.activeElement?.closest("dialog") !== null), name).toBe(true);
      expect.soft(await axeFaults(page), name).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect.soft(await axeFaults(page, ["color-contrast"]), `${name}, dark`).toEqual([]);
      await page.emulateMedia({ colorScheme: "light" });
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await focused(page)).toBe(name);
    }

    const freeing = page.getByRole("link", { name: "Free the seat of caio-1" });
    await freeing.focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("link", { name: "Cancel" }).press("Enter");
    await dialog.waitFor({ state: "detached" });
    expect(await focused(page)).toBe("Free");
  });

  test("a license is suspended without a pointer", async ({ open, house }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    await page.locator("main").getByRole("link", { name: "Suspend", exact: true }).press("Enter");
    await page.getByRole("dialog").waitFor();
    for (let n = 0; n < 10 && !(await page.getByLabel("Reason").evaluate((it) => it.matches(":focus"))); n++)
      await page.keyboard.press("Tab");
    await page.keyboard.type("Invoice 4711 is not paid.");
    // The parts of the date come between, as many as the browser makes of it.
    for (let n = 0; n < 10 && (await focused(page)) !== "Suspend license"; n++)
      await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Suspend license");
    await page.keyboard.press("Enter");
    await page.waitForURL(/done=suspended$/);
  });
});

describe("nothing surprises", () => {
  test("no page moves while it loads, and each date is told both ways", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house);
    await activate(house, license_key, "caio-1");
    const { page } = await open({ token: house.token });
    for (const path of [
      "/admin",
      "/admin/licenses",
      "/admin/licenses/new",
      `/admin/licenses/${license.id}`,
      "/admin/customers",
      "/admin/instances",
      "/admin/activity",
      "/admin/settings",
    ]) {
      await page.goto(path);
      const { shift, oneWay } = await page.evaluate(async () => {
        const shifts = await new Promise<number>((done) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += (entry as unknown as { value: number }).value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 200);
        });
        const moments = [...document.querySelectorAll("time")];
        const both = /\d{4}.*(?:ago|just now|in (?:\d|a moment))/s;
        return { shift: shifts, oneWay: moments.filter((it) => !both.test(it.textContent)).length };
      });
      expect.soft(shift, path).toBe(0);
      expect.soft(oneWay, path).toBe(0);
    }
  });

  test("buttons for several licenses wait until some are chosen", async ({ open, house }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses?q=${license.customer_id}`);
    const button = page.getByRole("button", { name: /^Suspend/ });
    expect(await button.isDisabled()).toBe(true);
    await page.getByLabel(`Select ${license.id}`).check();
    expect(await button.isDisabled()).toBe(false);
    // What a filter shows anew has nothing chosen.
    await page.getByLabel("Order").focus();
    await page.getByLabel("Order").selectOption("oldest");
    await expect.poll(() => button.isDisabled()).toBe(true);
  });

  test("on a phone the open menu covers nothing of itself", async ({ open, house }) => {
    const { page } = await open({ token: house.token, width: 390 });
    await page.goto("/admin/settings");
    const button = page.locator(".menu > summary");
    await button.click();
    const [above, field, below] = await Promise.all(
      [button, page.locator(".menu .find input[type=search]"), page.locator(".menu nav")].map((part) =>
        part.boundingBox(),
      ),
    );
    expect(field!.y).toBeGreaterThan(above!.y + above!.height);
    expect(below!.y).toBeGreaterThan(field!.y + field!.height);
  });

  test("two clicks on a link open one form", async ({ open, house }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    await page.locator("main").getByRole("link", { name: "Renew", exact: true }).dblclick();
    await page.getByRole("dialog").waitFor();
    await page.waitForLoadState("networkidle");
    expect(await page.locator("dialog").count()).toBe(1);
  });

  test("fields that only one choice asks for come with it, with scripts or without", async ({
    open,
    house,
  }) => {
    for (const js of [true, false]) {
      const { page } = await open({ js, token: house.token });
      await page.goto("/admin/licenses/new");
      const [date, name] = [page.getByLabel("Last day"), page.getByLabel("New customer’s name")];
      expect([await date.isVisible(), await name.isVisible()]).toEqual([false, false]);
      await page.getByLabel("On a date").check();
      await page.getByLabel("A new customer, entered below").check();
      expect([await date.isVisible(), await name.isVisible()]).toEqual([true, true]);
    }
  });
});

describe("a filter that is applied while it is filled in", () => {
  test("waits for a date that is typed digit by digit, and can be cleared", async ({ open, house }) => {
    const { page } = await open({ token: house.token });
    await page.goto("/admin/activity?action=license.issued");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const since = page.getByLabel("Since");
    await since.focus();
    await page.keyboard.type("01012020", { delay: 400 });
    await expect.poll(() => asked.some((url) => url.includes("since=2020-01-01"))).toBe(true);
    expect(asked.filter((url) => /since=[01]/.test(url))).toEqual([]);
    expect(await since.inputValue()).toBe("2020-01-01");
    expect(await page.getByLabel("What").inputValue()).toBe("license.issued");
    expect(await page.locator("#events").textContent()).not.toContain("Customer created");

    const clear = page.getByRole("link", { name: "Clear" });
    expect(await clear.count()).toBe(1);
    await since.fill("");
    await page.getByLabel("What").selectOption("");
    await clear.waitFor({ state: "detached" });
    await page.getByLabel("By").fill("ADMIN_TOKEN");
    await clear.waitFor();
  });
});
