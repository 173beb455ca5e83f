// What every form of the console keeps to, shown on the smallest one: it adds a customer.
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { parsed } from "../../../src/http/ui/entry.ts";
import { type Form, mountConsole } from "../../../src/http/console/mount.tsx";
import { Field, PostForm, Submit } from "../../../src/http/ui/form.tsx";
import type { AppEnv } from "../../../src/http/http.ts";
import { context } from "../../../src/http/middleware.ts";
import { createCustomer, NewCustomer } from "../../../src/licensing/customers/customers.ts";
import { COOKIE, signIn } from "../../support/cookies.ts";
import { env } from "../../support/env.ts";
import { admin, newToken, ORIGIN, rows, unique } from "../../support/service.ts";

const PATH = "/admin/guests/new";

const guests: Form = {
  path: PATH,
  access: "customers",
  show: async (visit, entry) => ({
    title: "New guest",
    body: (
      <PostForm visit={visit} entry={entry}>
        <h1>New guest</h1>
        <Field entry={entry} name="id" label="Id" />
        <Field entry={entry} name="name" label="Name" hint="As on the door" />
        <Submit back="/admin">Add</Submit>
      </PostForm>
    ),
  }),
  async submit({ context: acting }, entry) {
    const input = parsed(NewCustomer, { id: entry.text("id"), name: entry.text("name") });
    const { id } = await createCustomer(acting, input);
    return { to: `/admin/guests/${id}?done=added` };
  },
};

const app = new Hono<AppEnv>();
app.use(context);
mountConsole(app, [guests]);

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

async function call(init: RequestInit, cookie: string): Promise<Answer> {
  const headers = new Headers(init.headers);
  headers.set("Cookie", `${COOKIE}=${cookie}`);
  const execution = createExecutionContext();
  const request = new Request(`${ORIGIN}${PATH}`, { ...init, headers });
  const response = await app.fetch(request, env, execution);
  const text = await response.text();
  await waitOnExecutionContext(execution);
  return { status: response.status, headers: response.headers, text };
}

let cookie: string;
let unseen: { form_token: string; once: string };
let guest: string;

async function openForm(holder: string): Promise<{ form_token: string; once: string }> {
  const { text } = await call({}, holder);
  const form = text.slice(text.indexOf("<main"));
  const value = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(form)![1]!;
  return { form_token: value("form_token"), once: value("once") };
}

beforeEach(async () => {
  cookie = await signIn();
  unseen = await openForm(cookie);
  guest = unique("guest");
});

const sent = (fields: Record<string, string> = {}): Record<string, string> => ({
  ...unseen,
  id: guest,
  name: "Ada",
  ...fields,
});

const send = (fields: Record<string, string> = {}, headers: Record<string, string> = {}, holder = cookie) =>
  call(
    {
      method: "POST",
      headers: { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin", ...headers },
      body: new URLSearchParams(sent(fields)),
    },
    holder,
  );

const guestsCalled = (id: string) => rows("SELECT id FROM customers WHERE id = ?", id);

describe("a form that a page of ours sent", () => {
  it("does its work and leads to a page that says so", async () => {
    const answer = await send();
    expect(answer.status).toBe(303);
    expect(answer.headers.get("Location")).toBe(`/admin/guests/${guest}?done=added`);
    expect(await guestsCalled(guest)).toHaveLength(1);
  });

  it("may come from a browser that does not say which site it is on", async () => {
    const body = new URLSearchParams(sent());
    expect((await call({ method: "POST", headers: { Origin: ORIGIN }, body }, cookie)).status).toBe(303);
  });

  it("may have parts", async () => {
    const body = new FormData();
    for (const [name, value] of Object.entries(sent())) body.set(name, value);
    expect((await call({ method: "POST", headers: { Origin: ORIGIN }, body }, cookie)).status).toBe(303);
    expect(await guestsCalled(guest)).toHaveLength(1);
  });

  it("does its work once, however often it is sent, and answers alike", async () => {
    const answers = [await send(), await send(), ...(await Promise.all([send(), send(), send()]))];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
    expect(new Set(answers.map(({ headers }) => headers.get("Location")))).toHaveLength(1);
    expect(await guestsCalled(guest)).toHaveLength(1);
    const { body } = await admin(`/events?entity=${guest}`);
    expect(body.data).toHaveLength(1);
  });

  it("does its work once when it is sent five times at the same moment", async () => {
    const answers = await Promise.all([send(), send(), send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303]);
    expect(await guestsCalled(guest)).toHaveLength(1);
  });

  it("is another one when another thing was entered, and refused under the number of the first", async () => {
    await send();
    const other = unique("guest");
    expect((await send({ id: other })).status).toBe(422);
    expect(await guestsCalled(other)).toEqual([]);
  });

  it("can be sent again with its number after it was refused, as it then did nothing", async () => {
    expect((await send({ name: "" })).status).toBe(422);
    expect((await send({ name: "Ada" })).status).toBe(303);
    expect(await guestsCalled(guest)).toHaveLength(1);
  });

  it("comes back with what was entered and what is wrong, tied to the field", async () => {
    const { status, text } = await send({ name: `"><script>alert(1)</script>${"x".repeat(200)}` });
    expect(status).toBe(422);
    expect(text).toContain('role="alert"');
    expect(text).toContain(`value="${guest}"`);
    expect(text).toMatch(/name="name" aria-describedby="name-hint name-fault" aria-invalid="true"/);
    expect(text).toContain('<p class="fault" id="name-fault">');
    expect(text).toContain("&quot;&gt;&lt;script&gt;");
    expect(text).not.toContain("<script>alert");
  });
});

describe("a forged form", () => {
  const refusals: [string, Record<string, string>, Record<string, string>][] = [
    ["another site", {}, { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["another site that hides where it is", {}, { Origin: "null" }],
    ["another scheme of this host", {}, { Origin: "https://localhost:8787" }],
    ["another port of this host", {}, { Origin: "http://localhost:8788", "Sec-Fetch-Site": "same-site" }],
    ["a host that ends like this one", {}, { Origin: "http://evil-localhost:8787" }],
    ["this origin, but not from a page of it", {}, { "Sec-Fetch-Site": "cross-site" }],
    ["a sibling of this host", {}, { "Sec-Fetch-Site": "same-site" }],
    ["nowhere", {}, { "Sec-Fetch-Site": "none" }],
    ["an empty origin", {}, { Origin: "" }],
    ["a page without our token", { form_token: "" }, {}],
    ["a page with a made-up token", { form_token: "A".repeat(43) }, {}],
    ["a page with a token that is none", { form_token: "%00'\"" }, {}],
  ];

  it.each(refusals)("from %s is refused, and nothing is written", async (_, fields, headers) => {
    const { status, text } = await send(fields, headers);
    expect(status).toBe(403);
    expect(text).toContain("This form was not");
    expect(await guestsCalled(guest)).toEqual([]);
  });

  it("without an origin is refused, and nothing is written", async () => {
    const body = new URLSearchParams(sent());
    expect((await call({ method: "POST", body }, cookie)).status).toBe(403);
    expect(await guestsCalled(guest)).toEqual([]);
  });

  it("with the token of another session of the same person is refused", async () => {
    const { form_token } = await openForm(await signIn());
    expect(form_token).not.toBe(unseen.form_token);
    expect((await send({ form_token })).status).toBe(403);
    expect(await guestsCalled(guest)).toEqual([]);
  });

  it.each([
    ["no number", ""],
    ["a short number", "1"],
    ["a number that is none", "a b c d e f g h i j k l"],
  ])("with %s is refused, and nothing is written", async (_, once) => {
    expect((await send({ once })).status).toBe(422);
    expect(await guestsCalled(guest)).toEqual([]);
  });

  it.each(["text/plain", "application/json", ""])(
    "as %j is refused, and nothing is written",
    async (type) => {
      const body = new URLSearchParams(sent()).toString();
      const headers = { Origin: ORIGIN, "Content-Type": type };
      expect((await call({ method: "POST", headers, body }, cookie)).status).toBe(415);
      expect(await guestsCalled(guest)).toEqual([]);
    },
  );

  it("in the query of the page only fills the fields in", async () => {
    const url = `${ORIGIN}${PATH}?${new URLSearchParams(sent()).toString()}`;
    const headers = { Cookie: `${COOKIE}=${cookie}` };
    const response = await app.fetch(new Request(url, { headers }), env, createExecutionContext());
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(`value="${guest}"`);
    expect(await guestsCalled(guest)).toEqual([]);
  });

  it("of a megabyte is refused before it is read", async () => {
    expect((await send({ name: "x".repeat(1_000_000) })).status).toBe(413);
  });
});

describe("a form that the role does not allow", () => {
  it("is neither shown nor taken", async () => {
    const viewer = await signIn((await newToken({ role: "viewer" })).token);
    expect((await call({}, viewer)).status).toBe(403);
    expect((await send({}, {}, viewer)).status).toBe(403);
    expect(await guestsCalled(guest)).toEqual([]);
  });
});
