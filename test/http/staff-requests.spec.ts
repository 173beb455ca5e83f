import { describe, expect, it } from "vitest";
import { endpoints } from "../../src/app.ts";
import { openApiDocument } from "../../src/http/openapi/openapi.ts";
import { env } from "../support/env.ts";
import { activate, admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const REASON = { reason: "A test." };

describe("the query of a call of staff", () => {
  it.each([
    ["renew", { expires_days: 30 }],
    ["reinstate", undefined],
    ["send-email", { to: "it@acme.example" }],
  ])("asks %s for no dry run that there is not, and nothing is carried out", async (action, body) => {
    const { license } = await newLicense({ expires_days: 100 });
    const before = await admin(`/licenses/${license.id}`);
    const answer = await admin(`/licenses/${license.id}/${action}?dry_run=true`, { method: "POST", body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "dry_run" }] } });
    expect((await admin(`/licenses/${license.id}`)).text).toBe(before.text);
    expect((await admin(`/messages?license_id=${license.id}`)).body.data).toEqual([]);
  });

  it("has no unknown parameter on any call, also on one without parameters", async () => {
    for (const path of ["/me?x=1", "/statistics?x=1", "/customers?x=1"]) {
      expect(await admin(path)).toMatchObject({ status: 422, body: { errors: [{ path: "x" }] } });
    }
  });

  it("has each parameter once: which of two is meant nobody knows", async () => {
    const twice = await admin("/licenses?standing=active&standing=grace");
    expect(twice).toMatchObject({
      status: 422,
      body: { errors: [{ path: "standing", message: "Is given more than once" }] },
    });
  });

  it("repeats no name longer than any of ours, such as a key that was taken for one", async () => {
    const { license_key } = await newLicense();
    const { status, text } = await admin(`/licenses?${license_key}=1&${license_key}=2`);
    expect(status).toBe(422);
    expect(text).not.toContain(license_key.slice(0, 65));
  });
});

describe("no body at all", () => {
  it("is an empty object where every member is optional", async () => {
    const { id } = await newCustomer({ email: "ada@acme.example" });
    const { license } = await newLicense({ customer_id: id });
    const answer = await admin(`/licenses/${license.id}/send-email`, { method: "POST" });
    expect(answer).toMatchObject({ status: 200, body: { recipient: "ada@acme.example" } });
  });

  it("names the members that are missing elsewhere", async () => {
    const answer = await admin("/customers", { method: "POST" });
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ path: "name", message: "Is missing" }] },
    });
  });

  it("stays a fault of an installation", async () => {
    expect(await call("/v1/activate", { method: "POST" })).toMatchObject({ status: 415 });
  });

  it("is what the OpenAPI document says", () => {
    const { paths } = openApiDocument(endpoints, [], "http://localhost:8787") as {
      paths: Record<string, Record<string, { requestBody?: { required: boolean } }>>;
    };
    const isRequired = (path: string) => paths[path]?.["post"]?.requestBody?.required;
    expect(isRequired("/v1/admin/licenses/{id}/send-email")).toBe(false);
    expect(isRequired("/v1/admin/customers")).toBe(true);
    expect(isRequired("/v1/admin/imports/customers")).toBe(true);
  });
});

describe("a body where there is none to send", () => {
  const suspended = async (): Promise<string> => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: REASON });
    return license.id;
  };

  it.each([
    [{ body: { reason: "paid", nonsense: 1 } }, ["nonsense"]],
    [{ body: [] }, [""]],
    [{ body: null }, [""]],
    [{ raw: new Uint8Array([0xff, 0x7b]), headers: { "Content-Type": "application/json" } }, [""]],
  ])("is refused: %j", async (options, paths) => {
    const id = await suspended();
    const answer = await admin(`/licenses/${id}/reinstate`, { method: "POST", ...options });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(paths);
    expect((await admin(`/licenses/${id}`)).body.status).toBe("suspended");
  });

  it("is refused before the resource is looked for, on every POST of staff that takes none", async () => {
    const bodiless = endpoints.filter(
      ({ method, access, body, upload }) => method === "post" && access !== "public" && !body && !upload,
    );
    expect(bodiless.length).toBeGreaterThan(0);
    for (const { path } of bodiless) {
      const answer = await call(path.replace("{id}", "none"), { token: env.ADMIN_TOKEN, body: { a: 1 } });
      expect(answer, path).toMatchObject({ status: 422, body: { errors: [{ path: "a" }] } });
    }
  });

  it("is refused as what is no JSON", async () => {
    const id = await suspended();
    const headers = { "Content-Type": "text/plain" };
    const answer = await admin(`/licenses/${id}/reinstate`, { method: "POST", raw: "{}", headers });
    expect(answer).toMatchObject({ status: 415 });
  });

  it.each([[{ method: "POST" }], [{ body: {} }], [{ body: { reason: "paid" } }]])(
    "may be empty, or say what is asked for: %j",
    async (options) => {
      expect(await admin(`/licenses/${await suspended()}/reinstate`, options)).toMatchObject({ status: 200 });
    },
  );
});

describe("HEAD", () => {
  it("is not allowed where a GET records that something was shown", async () => {
    const { license } = await newLicense();
    const count = async () => (await rows<{ n: number }>("SELECT count(*) n FROM events"))[0]!.n;
    const before = await count();
    const recording = endpoints.filter(({ records }) => records).map(({ path }) => path);
    expect(recording).toEqual(
      expect.arrayContaining(["/v1/admin/licenses/{id}/key", "/v1/admin/exports/licenses"]),
    );
    for (const path of recording) {
      const answer = await call(path.replace("{id}", license.id), { method: "HEAD", token: env.ADMIN_TOKEN });
      expect(answer, path).toMatchObject({ status: 405, text: "" });
      expect(answer.headers.get("Allow")).toBe("GET");
    }
    expect(await count()).toBe(before);
  });

  it("is what GET is elsewhere", async () => {
    const { license } = await newLicense();
    expect(await admin(`/licenses/${license.id}`, { method: "HEAD" })).toMatchObject({
      status: 200,
      text: "",
    });
  });
});

describe("a member named __proto__", () => {
  const headers = { "Content-Type": "application/json" };

  it.each([
    ['{"name":"A","__proto__":{"company":"Evil"}}', "/customers", "__proto__"],
    ['{"__proto__":{"name":"A"}}', "/customers", "name"],
    ['{"name":"A","metadata":{"__proto__":1}}', "/customers", "metadata.__proto__"],
    ['CUSTOMER,"entitlements":{"__proto__":{"value":1}}}', "/licenses", "entitlements.__proto__"],
    ['CUSTOMER,"entitlements":{"__proto__":null}}', "/licenses", "entitlements.__proto__"],
    ['CUSTOMER,"entitlements":{"a":{"value":1,"__proto__":{}}}}', "/licenses", "entitlements.a.__proto__"],
    ['CUSTOMER,"metadata":{"__proto__":{"a":1}}}', "/licenses", "metadata.__proto__"],
  ])("is refused by its name: %s", async (body, path, member) => {
    const { id } = await newCustomer();
    const raw = body.replace("CUSTOMER", `{"license_type":"standard","customer_id":"${id}"`);
    const refused = await admin(path, { raw, headers });
    expect(refused.status).toBe(422);
    expect(refused.body.errors.map((error: { path: string }) => error.path)).toContain(member);
    expect(({} as Record<string, unknown>)["company"]).toBeUndefined();
  });

  it.each(["entitlements", "metadata"])(
    "is refused in a change, a type and an import: %s",
    async (member) => {
      const { license } = await newLicense();
      const raw = `{"${member}":{"__proto__":${member === "metadata" ? 1 : "null"}}}`;
      const changed = await admin(`/licenses/${license.id}`, { method: "PATCH", raw, headers });
      expect(changed).toMatchObject({ status: 422, body: { errors: [{ path: `${member}.__proto__` }] } });
      const row = `[{"customer_id":"${license.customer_id}","license_type":"standard","${member}":{"__proto__":{"value":1}}}]`;
      const imported = await admin("/imports/licenses", { raw: row, headers });
      expect(imported).toMatchObject({
        status: 422,
        body: { errors: [{ path: `rows.0.${member}.__proto__` }] },
      });
      const type = await admin("/license-types/proto", {
        method: "PUT",
        raw: `{"name":"P",${raw.slice(1)}`,
        headers,
      });
      expect(type.status).toBe(422);
    },
  );

  it("deep within metadata is data like any other", async () => {
    const raw = '{"name":"A","metadata":{"a":{"__proto__":{"b":[{"__proto__":2}]}}}}';
    const made = await admin("/customers", { raw, headers });
    expect(made.status).toBe(201);
    const read = await admin(`/customers/${made.body.id}`);
    expect(read.text).toContain('"metadata":{"a":{"__proto__":{"b":[{"__proto__":2}]}}}');
    expect(({} as Record<string, unknown>)["b"]).toBeUndefined();
  });
});

describe("metadata that could not be given back", () => {
  it.each([
    ['{"a":1,"__proto__":{"b":2}}', "metadata.__proto__"],
    ['{"a":{"b":[1e400]}}', "metadata"],
    ['{"a":-1e400}', "metadata"],
    ['{"order":12345678901234567890}', "metadata"],
  ])("is refused: %s", async (metadata, path) => {
    const id = unique("whole");
    const headers = { "Content-Type": "application/json" };
    const made = await admin("/customers", {
      raw: `{"id":"${id}","name":"Acme","metadata":${metadata}}`,
      headers,
    });
    expect(made).toMatchObject({ status: 422, body: { errors: [{ path }] } });
    await newCustomer({ id });
    const changed = await admin(`/customers/${id}`, {
      method: "PATCH",
      raw: `{"metadata":${metadata}}`,
      headers,
    });
    expect(changed).toMatchObject({ status: 422, body: { errors: [{ path }] } });
  });
});

describe("what is wrong with a member is told", () => {
  it.each([
    ["/customers", { name: "Acme", id: ".." }, "id", "letters, digits, dots"],
    ["/customers", { name: "Acme", id: "a b" }, "id", "letters, digits, dots"],
    ["/customers", { name: "two\nlines" }, "name", "one line"],
    ["/licenses", { customer_id: "a", license_type: "trial", features: ["a b"] }, "features.0", "begin with"],
  ])("in words that say what is right: %s %o", async (path, body, member, words) => {
    const answer = await admin(path, { body });
    expect(answer.body.errors).toEqual([{ path: member, message: expect.stringContaining(words) }]);
  });

  it("once, and with the length that an instance_id may have", async () => {
    const { license_key } = await newLicense();
    for (const instanceId of ["", "a".repeat(129), "a\nb"]) {
      expect((await activate(license_key, instanceId)).body.errors).toEqual([
        { path: "instance_id", message: "Must be 1 to 128 printable characters" },
      ]);
    }
    expect((await activate(license_key, "  ")).body.errors).toEqual([
      { path: "instance_id", message: "Must not be blank" },
    ]);
  });
});
