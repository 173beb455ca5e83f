// The story of a customer's administrator: a mail, a link, "limit reached", a seat freed, a request for more, and the
// answer.
import { describe, expect } from "vitest";
import { axeFaults, overflow } from "./support/browser.ts";
import { activate, newCustomer, newLicense } from "./support/data.ts";
import { ask, call, type House } from "./support/house.ts";
import { test } from "./support/test.ts";

async function linkTo({ resend }: House, email: string): Promise<string> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const listed = await fetch(`${resend}/emails`, { headers: { Authorization: "Bearer re_local" } });
    const { data } = (await listed.json()) as { data: { id: string; to: string[] }[] };
    const mail = data.find(({ to }) => to.includes(email));
    if (mail) {
      const read = await fetch(`${resend}/emails/${mail.id}`, {
        headers: { Authorization: "Bearer re_local" },
      });
      const { text } = (await read.json()) as { text: string };
      const [link] = /\/portal\/sign-in\/link\?token=[\w-]+/.exec(text) ?? [];
      if (link !== undefined) return link;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no mail");
}

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

      await page.goto(`/portal/requests?kind=seats&license=${license.id}`);
      await page.getByLabel("Seats in all").fill("4");
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByText("We have your request.").waitFor();
      const { data } = await ask(house, `/v1/admin/requests?customer_id=${customer.id}`);
      await ask(house, `/v1/admin/requests/${data[0].id}/accept`, { max_instances: 4, answer: "Gladly." });
      await page.goto("/portal/requests");
      await page.getByText("Gladly.").waitFor();
      await look("requests");
      await activate(house, license_key, "caio-fourth");
    },
  );
});
