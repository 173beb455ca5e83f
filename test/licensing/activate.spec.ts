import { describe, expect, it } from "vitest";
import { activate, newLicense } from "../support/service.ts";

describe("activate", () => {
  it("works", async () => {
    const { license_key } = await newLicense();
    const answer = await activate(license_key, "a");
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toMatchObject({ status: "activated", instances: { active: 1, max: 2 } });
  });
});
