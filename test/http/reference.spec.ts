import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../src/problems.ts";
import { EVENT_ACTIONS } from "../../src/record/catalogue.ts";
import { impersonalEvent } from "../../src/webhook-endpoints/personal.ts";
import { admin, call } from "../support/service.ts";

describe("GET /openapi.json", () => {
  it("describes every call with an example for its answer and for each refusal", async () => {
    const { status, body } = await call("/openapi.json");
    expect(status).toBe(200);
    expect(body.openapi).toBe("3.1.0");
    const ids = new Set<string>();
    for (const methods of Object.values<Record<string, any>>(body.paths)) {
      for (const operation of Object.values(methods)) {
        ids.add(operation.operationId);
        for (const [code, response] of Object.entries<any>(operation.responses)) {
          if (code === "204" || code === "304") continue;
          const [content] = Object.values<any>(response.content);
          expect(content.schema).toBeDefined();
          expect(content.example ?? Object.keys(content.examples).length).toBeTruthy();
        }
      }
    }
    const operations = Object.values<object>(body.paths).flatMap((methods) => Object.keys(methods));
    expect(ids.size).toBe(operations.length);
  });

  it("takes request schemas from what really validates", async () => {
    const { body } = await call("/openapi.json");
    const schema = body.paths["/v1/admin/licenses"].post.requestBody.content["application/json"].schema;
    expect(schema.required).toEqual(["customer_id", "license_type"]);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.expires_days).toMatchObject({ type: "integer", minimum: 1, maximum: 36_500 });
  });
});

describe("what the document says of a call is what the call does", async () => {
  const { body } = await call("/openapi.json");
  const schemaOf = (method: string, path: string): any =>
    Object.values<any>(body.paths[path][method].requestBody.content)[0].schema.properties;
  const parameterOf = (method: string, path: string, name: string): any =>
    body.paths[path][method].parameters?.find((one: { name: string }) => one.name === name);
  const instant = [
    { type: "string", format: "date-time" },
    { type: "string", format: "date" },
  ];

  it("of times and days", () => {
    const license = schemaOf("post", "/v1/admin/licenses");
    expect(license.starts_at.anyOf[0].anyOf).toEqual(instant);
    expect(license.expires_at.anyOf[0].anyOf).toEqual(instant);
    expect(schemaOf("post", "/v1/admin/api-tokens").expires_at.anyOf[0].anyOf).toEqual(instant);
    expect(schemaOf("post", "/v1/check-in").usage.anyOf[0].items.properties.date.format).toBe("date");
    for (const name of ["since", "until"])
      expect(parameterOf("get", "/v1/admin/events", name).schema.anyOf).toEqual(instant);
    expect(parameterOf("get", "/v1/admin/licenses/{id}/usage", "from").schema.format).toBe("date");
    const shown = body.paths["/v1/admin/licenses/{id}"].get.responses["200"].content["application/json"];
    expect(shown.schema.properties.issued_at.format).toBe("date-time");
  });

  it("of lists, labels and texts", () => {
    expect(schemaOf("post", "/v1/activate").labels.anyOf[0].maxProperties).toBe(32);
    const type = schemaOf("put", "/v1/admin/license-types/{id}");
    expect(type.features).toMatchObject({ uniqueItems: true, maxItems: 100 });
    expect(type.notice_days).toMatchObject({ uniqueItems: true, maxItems: 20 });
    const pattern = new RegExp(schemaOf("post", "/v1/admin/customers").name.pattern, "u");
    expect(["", " ", "\t ", "a\nb", "a", " a "].filter((text) => pattern.test(text))).toEqual(["a", " a "]);
  });

  it("of versions", () => {
    const withIfMatch = Object.entries<Record<string, any>>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => parameterOf(method, path, "If-Match") !== undefined)
        .map((method) => `${method} ${path}`),
    );
    expect(withIfMatch.toSorted()).toEqual([
      "delete /v1/admin/customers/{id}",
      "delete /v1/admin/customers/{id}/contacts/{contact_id}",
      "delete /v1/admin/entitlements/{code}",
      "delete /v1/admin/license-types/{id}",
      "patch /v1/admin/customers/{id}",
      "patch /v1/admin/customers/{id}/contacts/{contact_id}",
      "patch /v1/admin/entitlements/{code}",
      "patch /v1/admin/licenses/{id}",
      "patch /v1/admin/webhook-endpoints/{id}",
      ...["reinstate", "reissue", "renew", "revoke", "suspend", "transfer"].map(
        (action) => `post /v1/admin/licenses/{id}/${action}`,
      ),
      "put /v1/admin/entitlements/{code}",
      "put /v1/admin/license-types/{id}",
    ]);
    const list = body.paths["/v1/revocations"].get;
    expect(list.responses["304"]).toMatchObject({ headers: { ETag: {} } });
    expect(parameterOf("get", "/v1/revocations", "If-None-Match")).toBeDefined();
    const { responses } = body.paths["/v1/admin/license-types/{id}"].put;
    for (const status of ["200", "201"]) expect(responses[status]).toMatchObject({ headers: { ETag: {} } });
  });

  it.each([
    "/customers?limit=0x10",
    "/customers?limit=1e1",
    "/customers?limit=%2010",
    "/customers?limit=",
    "/customers?limit=101",
    "/licenses?expiring_within_days=",
    "/licenses?expiring_within_days=-1",
    "/licenses?expiring_within_days=1.5",
    "/audit-seals/1e2",
    "/audit-seals/0",
  ])("of numbers: %s is none", async (path) => {
    expect(await admin(path)).toMatchObject({ status: 422 });
  });

  it("of numbers in digits", async () => {
    expect(parameterOf("get", "/v1/admin/customers", "limit").schema).toEqual({
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 50,
    });
    for (const path of ["/customers?limit=1", "/customers?limit=100", "/licenses?expiring_within_days=0"])
      expect(await admin(path), path).toMatchObject({ status: 200 });
    expect(await admin("/audit-seals/999999")).toMatchObject({ status: 404 });
  });
});

describe("files in the API document", () => {
  it("have their media types, and examples that the imports take", async () => {
    const { body } = await call("/openapi.json");
    const exported = body.paths["/v1/admin/exports/licenses"].get.responses["200"].content;
    expect(Object.keys(exported)).toEqual(["text/csv", "application/json"]);
    for (const kind of ["customers", "licenses"]) {
      const { content } = body.paths[`/v1/admin/imports/${kind}`].post.requestBody;
      expect(Object.keys(content)).toEqual(["text/csv", "application/json"]);
      for (const [type, { example }] of Object.entries<any>(content)) {
        const answer = await admin(`/imports/${kind}?dry_run=true`, {
          raw: typeof example === "string" ? example : JSON.stringify(example),
          headers: { "Content-Type": type },
        });
        // Whether their customer is there depends on who ran before.
        const faults = (answer.body.errors ?? []).map(({ path }: { path: string }) => path);
        expect(faults.filter((path: string) => !/\.(?:customer_)?id$/.test(path))).toEqual([]);
      }
    }
  });
});

describe("GET /docs", () => {
  it("shows every refusal and loads nothing from anywhere", async () => {
    const { status, headers, text } = await call("/docs");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    for (const code of Object.keys(PROBLEMS)) expect(text).toContain(`id="${code}"`);
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(text).not.toMatch(/<script/);
    expect(headers.get("Content-Security-Policy")).toMatch(/style-src 'nonce-/);
  });
});

describe("the webhooks", async () => {
  const { body } = await call("/openapi.json");

  it("are all types of events but those of access, each with an example, in the document and on the page", async () => {
    const types = EVENT_ACTIONS.filter((action) => !/^(?:api_token|person|session)\./.test(action));
    expect(Object.keys(body.webhooks)).toEqual(types);
    const page = (await call("/docs")).text;
    for (const type of types) {
      const { example } = body.webhooks[type].post.requestBody.content["application/json"];
      expect(example).toMatchObject({ type, data: { event: { action: type, id: example.id } } });
      expect(page).toContain(`id="${type}"`);
    }
  });

  it("show in their examples what a delivery says, and nothing personal", () => {
    for (const [type, { post }] of Object.entries<any>(body.webhooks)) {
      const { data } = post.requestBody.content["application/json"].example;
      expect([type, data.event]).toEqual([type, impersonalEvent(data.event)]);
      expect(JSON.stringify(data)).not.toMatch(/@|Ada|eyJ/);
    }
  });

  it("are sorted by their names, as the table of events is", () => {
    expect(EVENT_ACTIONS).toEqual(EVENT_ACTIONS.toSorted());
  });
});
