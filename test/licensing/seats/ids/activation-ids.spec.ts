import { describe, expect, it } from "vitest";
import { activationIdOf, licenseIdOf } from "../../../../src/licensing/seats/ids/activation-ids.ts";

const ULID = "01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

describe("an activation's id", () => {
  it("is its license's with ten characters of its own", () => {
    expect(activationIdOf("lic_01KA", ULID)).toBe("act_01KA_M2N5V6W7X8");
  });

  it.each(["lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8", "lic_1", "lic_a_b", "lic_lic_1"])(
    "of %s leads back to it",
    (license) => {
      expect(licenseIdOf(activationIdOf(license, ULID))).toBe(license);
    },
  );

  it("takes off the prefix alone", () => {
    expect(activationIdOf("x-lic_1", ULID)).toBe("act_x-lic_1_M2N5V6W7X8");
  });

  it.each([
    ["act_01KA_X", "lic_01KA"],
    ["act_a_b_X", "lic_a_b"],
    ["act_01KA_", "lic_01KA"],
    ["an_act_1_X", "an_act_1"],
  ])("%s names the license %s", (id, license) => {
    expect(licenseIdOf(id)).toBe(license);
  });
});
