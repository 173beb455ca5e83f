import { describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";

describe("the console", () => {
  it("opens to whoever signs in with a token, and leads nowhere without one", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get("/admin");
    expect(page).toMatchObject({ status: 200, location: "" });
    expect(page.text).toContain("Needs attention");
    expect(page.html).not.toContain("/admin/licenses/new");
    await expect(Visitor.signIn("caio_wrong")).rejects.toThrow("not valid");
    const answer = await visitor.submit(page, {}, "/admin/sign-out");
    expect(answer).toMatchObject({ status: 303, location: "/admin/sign-in" });
    expect(await visitor.get("/admin")).toMatchObject({
      status: 303,
      location: "/admin/sign-in?next=%2Fadmin",
    });
  });
});
