import { spawnSync } from "node:child_process";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { endpoints, WEBHOOKS } from "../../src/app.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import { isHere } from "./support/everything.ts";

const document = openApiDocument(endpoints, WEBHOOKS, "https://licensing.smarthaus.example");

it("the OpenAPI document is valid as 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

// Compiles each pattern, and has it take what a schema without it would have taken.
const CHECK = `
import json, re, sys

def patterns(value):
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from patterns(member)

document = json.load(sys.stdin)
found = set(patterns(document["paths"]))
for pattern in found:
    re.compile(pattern)
name = document["paths"]["/v1/admin/customers"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["name"]["pattern"]
instance = document["paths"]["/v1/activate"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["instance_id"]["pattern"]
for pattern in (name, instance):
    for text in ("Acme", " Acme ", "\\u00dcn\\u00efc\\u00f6d\\u00e9", "\\U0001f600", "C,p{c}"):
        assert re.search(pattern, text), (pattern, text)
    assert not re.search(pattern, "a\\x00b"), pattern
print(len(found))
`;

const isPythonHere = isHere(spawnSync("python3", ["--version"]).status === 0, "There is no python3.");

it.runIf(isPythonHere)("every pattern of the document is one of Python's re", () => {
  const checked = spawnSync("python3", ["-W", "error", "-c", CHECK], {
    input: JSON.stringify(document),
    encoding: "utf8",
  });
  expect(checked.stderr).toBe("");
  expect(Number(checked.stdout)).toBeGreaterThan(8);
});
