// The story of a customer's administrator: a mail, a link, "limit reached", a seat freed, a request for more, and the
// answer.
import { describe, expect } from "vitest";
import { axeFaults, overflow } from "./support/browser.ts";
import { activate, newCustomer, newLicense } from "./support/data.ts";
import { ask, call } from "./support/house.ts";
import { linkTo, mailTo } from "./support/site.ts";
import { test } from "./support/test.ts";

describe("a customer's administrator", () => {
  test(
    "finds why an installation is refused, frees a seat, asks for more, and reads the answer",
    { timeout: 120_000 },
    async ({ open, house }) => {
      const customer = await newCustomer(house, { name: "Acme Works" });
      const { license, license_key } = await newLicense(house, {
        customer_id: customer.id,
        max_instances: 2,
      });
      const email = "ada@works.example";
      await ask(house, `/v1/admin/customers/${customer.id}/contacts`, { email });
      const { page } = await open();
      const shots = process.env["SHOTS"];
      const look = async (name: string): Promise<void> => {
        for (const theme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme: theme });
          expect(await axeFaults(page), `${name}, ${theme}`).toEqual([]);
          for (const width of [1280, 390, 360]) {
            await page.setViewportSize({ width, height: 900 });
            expect(await overflow(page), `${name} at ${width}`).toBeLessThanOrEqual(0);
            if (shots && width > 360)
              await page.screenshot({ path: `${shots}/${name}-${theme}-${width}.png`, fullPage: true });
          }
        }
        await page.setViewportSize({ width: 1280, height: 900 });
      };

      await page.goto("/portal");
      await look("sign-in");
      await page.getByLabel("Your e-mail address").fill(email);
      await page.getByRole("button", { name: "Mail me a link" }).click();
      await page.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
      await look("asked");
      await page.goto(await linkTo(house, email));
      await look("link");
      await page.getByRole("button", { name: /^Sign in as/ }).click();
      await page.getByRole("heading", { name: "Licenses" }).waitFor();
      expect(await page.locator("main").textContent()).toContain(license.id);
      await look("licenses");

      await page.goto(`/portal/licenses/${license.id}`);
      await page.getByText("Nothing is installed yet.").waitFor();
      await look("license-new");
      await activate(house, license_key, "caio-dead", {
        hostname: "old.works.example",
        app_version: "17.1.0",
      });
      await activate(house, license_key, "caio-live", {
        hostname: "new.works.example",
        app_version: "17.4.0",
      });
      const third = { license_key, instance_id: "caio-third" };
      expect((await call(house, "/v1/activate", third)).body.code).toBe("ACTIVATION_LIMIT_REACHED");
      await page.reload();
      await page.getByText("All seats are taken.").waitFor();
      await look("license-full");
      await page.getByRole("link", { name: "Free the seat of caio-dead" }).click();
      await page.getByRole("heading", { name: "Free the seat of caio-dead?" }).waitFor();
      await look("free");
      await page.getByRole("button", { name: "Free the seat" }).click();
      await page.getByText("The seat is free.").waitFor();
      expect((await call(house, "/v1/activate", third)).status).toBe(200);

      await page.goto(`/portal/licenses/${license.id}/key`);
      expect(await page.locator("#license-key").inputValue()).toContain(license_key);
      await look("key");
      await page.goto("/portal/air-gap");
      await look("air-gap");
      const request = { version: 1, license_key, instance_id: "caio-cellar", app_version: "17.4.0" };

      await page.goto(`/portal/requests?kind=seats&license=${license.id}`);
      await page.getByLabel("Seats in all").fill("4");
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByText("We have your request.").waitFor();

      // Staff see it where they look first, and do it in the console.
      const staff = await open({ token: house.token });
      await staff.page.goto("/admin");
      await staff.page.getByRole("link", { name: "Acme Works, Seats: 4 in all" }).click();
      await staff.page.getByRole("link", { name: "Accept" }).click();
      await staff.page.getByLabel("What the customer reads").fill("Gladly.");
      await staff.page.getByRole("button", { name: "Change the license" }).click();
      await staff.page.getByText("It is done, and the customer is told.").waitFor();
      expect(await mailTo(house, email, /Gladly\./)).toContain("4 seats in all");

      await page.goto("/portal/requests");
      await page.getByText("Gladly.").waitFor();
      await look("requests");
      expect((await call(house, "/v1/check-in", third)).body.instances).toMatchObject({ max: 4 });
      await page.goto("/portal/air-gap");
      await page.getByLabel("Request file").setInputFiles({
        name: "cellar.caio-request",
        mimeType: "application/json",
        buffer: Buffer.from(JSON.stringify(request)),
      });
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Get the license file" }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/caio-cellar/);

      await page.goto("/portal/contacts");
      await look("contacts");
      await page.goto("/portal/events");
      await look("events");
      await page.goto(`/portal/licenses/${license.id}/events`);
      await page.getByText("An installation found no free seat").waitFor();
      await look("license-events");
      await page.goto(`/portal/licenses/${license.id}/statements/${new Date().toISOString().slice(0, 7)}`);
      await look("statement");

      // By the keyboard alone: to the content, and out.
      await page.goto("/portal");
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe(
        "Skip to the content",
      );
      await page.getByRole("button", { name: "Sign out" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: /^Your .* licenses$/ }).waitFor();
    },
  );
});
