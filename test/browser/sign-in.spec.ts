// Into the console and out of it again, as a person does it.
import { describe, expect } from "vitest";
import { axeFaults, COOKIE, lookFaults, signIn } from "./support/browser.ts";
import { newToken, revokeToken } from "./support/data.ts";
import { test } from "./support/test.ts";

describe.each([{ js: true }, { js: false }])("signing in, with scripts: $js", ({ js }) => {
  test("with the right token leads to the overview, which says who is there", async ({ open, house }) => {
    const { page } = await open({ js });
    await page.goto("/admin");
    expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
    await expect
      .poll(() => page.getByLabel("API token").evaluate((field) => field.matches(":focus")))
      .toBe(true);
    await page.keyboard.type(house.token);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/admin");
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Overview");
    expect(await page.locator(".rail .who").textContent()).toContain("ADMIN_TOKEN");
  });

  test("with a wrong token says so to everybody, and keeps it to itself", async ({ open }) => {
    const { page, context } = await open({ js, refusals: [401] });
    await page.goto("/admin/sign-in?next=/admin?shown=twice");
    await page.getByLabel("API token").fill("caio_not-a-token");
    await page.getByRole("button", { name: "Sign in" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain("This token is not valid here");
    const field = page.getByLabel("API token");
    expect(await field.inputValue()).toBe("");
    expect(await field.getAttribute("type")).toBe("password");
    await expect.poll(() => field.evaluate((element) => element.matches(":focus"))).toBe(true);
    const hint = await field.getAttribute("aria-describedby");
    expect(await page.locator(`#${hint}`).textContent()).toContain("Owners create tokens");
    expect(await page.content()).not.toContain("caio_not-a-token");
    expect(await context.cookies()).toEqual([]);
    expect(await page.locator("input[name=next]").inputValue()).toBe("/admin?shown=twice");
    if (js) expect(await axeFaults(page)).toEqual([]);
  });
});

describe("a session", () => {
  test("gives a cookie out of reach of scripts and other sites; signing out ends it everywhere", async ({
    open,
    house,
  }) => {
    const { page, context } = await open({ js: false });
    await signIn(page, house, house.token);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      name: COOKIE,
      domain: "127.0.0.1",
      path: "/",
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    });
    expect(cookie!.expires - Date.now() / 1_000).toBeGreaterThan(11.9 * 3_600);
    expect(cookie!.expires - Date.now() / 1_000).toBeLessThanOrEqual(12 * 3_600);
    expect(await page.evaluate(() => document.cookie)).toBe("");

    await page.locator(".rail").getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("**/admin/sign-in");
    expect(await context.cookies()).toEqual([]);
    const copy = await fetch(`${house.url}/admin`, {
      headers: { Cookie: `${COOKIE}=${cookie!.value}` },
      redirect: "manual",
    });
    expect(copy.status).toBe(303);
    await page.goBack();
    expect(await page.content()).not.toContain("Needs attention");
  });

  test("again after the session ended leads back to where one was", async ({ open, house }) => {
    const { token, api_token } = await newToken(house, "viewer");
    const { page } = await open({ token });
    await page.goto("/admin?page=kept");
    await revokeToken(house, api_token.id);
    await page.goto("/admin?page=kept&more=1");
    expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
    expect(await page.locator("main").textContent()).toContain("Sign in to continue where you were");
    await signIn(page, house, house.token);
    expect(page.url()).toBe(`${house.url}/admin?page=kept&more=1`);
  });
});

describe("the pages around the console", () => {
  test("are accessible and fit", async ({ open, house }) => {
    const { page } = await open({ refusals: [403, 404] });
    await page.goto("/admin/sign-in");
    expect(await lookFaults(page)).toEqual([]);
    const { token } = await newToken(house, "viewer");
    await signIn(page, house, token);
    for (const [path, status, words] of [
      ["/admin/nothing/here", 404, "There is no such page"],
      ["/admin/licenses/new", 403, "does not allow this"],
    ] as const) {
      const answer = await page.goto(path);
      expect(answer!.status()).toBe(status);
      expect(await page.locator("main").textContent()).toContain(words);
      expect(await lookFaults(page)).toEqual([]);
    }
  });

  test("cannot be put into a frame, not even by a page of the same origin", async ({ open, house }) => {
    const { page, faults } = await open({ token: house.token });
    await page.route("**/frame.html", (route) =>
      route.fulfill({ contentType: "text/html", body: `<iframe src="${house.url}/admin"></iframe>` }),
    );
    await page.goto("/frame.html");
    const frame = page.frames()[1]!;
    await expect.poll(() => frame.url()).toMatch(/^chrome-error:/);
    expect(faults().join("\n")).toContain("frame-ancestors");
  });
});
