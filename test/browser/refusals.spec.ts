// What must not happen, tried as it would be: with a session that is over, from a page that is not ours, and by
// somebody who may only look.
import { describe, expect } from "vitest";
import { newLicense, newToken, revokeToken } from "./support/data.ts";
import { ask, type House } from "./support/house.ts";
import { test } from "./support/test.ts";

const statusOf = async (house: House, id: string): Promise<string> =>
  (await ask(house, `/v1/admin/licenses/${id}`)).status;

/** A page with a form that suspends a license, as somebody else would make it. */
const forged = (house: House, id: string, hidden = ""): string =>
  `<!doctype html><title>Win a prize</title><form method="post" action="${house.url}/admin/licenses/${id}/suspend">
    <input type="hidden" name="reason" value="forged">${hidden}<button>Go on</button></form>`;

describe.each([{ js: true }, { js: false }])("with scripts: $js", ({ js }) => {
  test("a form sent after the session ended leads to the sign-in and does nothing", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house);
    const { token, api_token } = await newToken(house, "manager");
    const { page } = await open({ js, token, refusals: [401] });
    await page.goto(`/admin/licenses/${license.id}/suspend`);
    await page.getByLabel("Reason").fill("Too late.");
    await revokeToken(house, api_token.id);
    await page.getByRole("button", { name: "Suspend license" }).click();
    await page.getByText("Your session had ended, so nothing was done.").waitFor();
    expect(await statusOf(house, license.id)).toBe("active");
  });
});

describe("a forged form", () => {
  test("is refused without the session's token, even on a page of our own origin", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house);
    const { page } = await open({ token: house.token, refusals: [403] });
    for (const hidden of ["", '<input type="hidden" name="form_token" value="guessed">']) {
      await page.route("**/forged.html", (route) =>
        route.fulfill({ contentType: "text/html", body: forged(house, license.id, hidden) }),
      );
      await page.goto("/forged.html");
      await page.getByRole("button").click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await page.locator("main").textContent()).toContain("not made for your session");
      await page.unroute("**/forged.html");
    }
    expect(await statusOf(house, license.id)).toBe("active");
  });

  test("of another site brings no session along, and is refused where a browser would", async ({
    open,
    house,
  }) => {
    const { license } = await newLicense(house);
    const { page, context, faults } = await open({ token: house.token, refusals: [403] });
    const elsewhere = "http://elsewhere.example/forged.html";
    await page.route(elsewhere, (route) =>
      route.fulfill({ contentType: "text/html", body: forged(house, license.id) }),
    );
    await page.goto(elsewhere);
    await page.getByRole("button").click();
    await page.waitForURL(/\/admin\/sign-in/);
    expect(await statusOf(house, license.id)).toBe("active");

    // A browser that knows no SameSite.
    const [cookie] = await context.cookies(house.url);
    await context.addCookies([{ ...cookie!, sameSite: "None" }]);
    await page.goto(elsewhere);
    await page.getByRole("button").click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await page.locator("main").textContent()).toContain("not sent by a page of this site");
    expect(await statusOf(house, license.id)).toBe("active");
    expect(faults().every((fault) => fault.includes(`asks ${elsewhere}`))).toBe(true);
  });
});

describe("a viewer", () => {
  test("sees a license, but neither its key nor a button, and is refused at every form", async ({
    open,
    house,
  }) => {
    const { license, license_key } = await newLicense(house);
    const { token } = await newToken(house, "viewer");
    const { page } = await open({ token, refusals: [403] });
    await page.goto(`/admin/licenses/${license.id}`);
    const main = page.locator("main");
    expect(await main.locator("a.button:not(:text('Cancel')):not(.ranges a)").count()).toBe(0);
    expect(await page.content()).not.toContain(license_key);
    for (const form of ["key", "key/file", "edit", "renew", "send", "suspend", "revoke", "reissue"]) {
      const answer = await page.goto(`/admin/licenses/${license.id}/${form}`);
      expect(answer!.status(), form).toBe(403);
      expect(await page.content()).not.toContain(license_key);
    }
  });
});
