import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { endpoints } from "../../src/app.ts";
import { openApiDocument } from "../../src/http/openapi.ts";

it("the OpenAPI document is valid as 3.1", async () => {
  const validator = new Validator();
  const document = openApiDocument(endpoints, "https://licensing.smarthaus.example");
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});
