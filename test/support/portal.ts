// Uses the customer's site like a browser without scripts, and reads the mail with the link.
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import type { Env } from "../../src/config.ts";
import worker from "../../src/worker.ts";
import { type FakeResend, mailing } from "./mail.ts";
import { admin, newCustomer, newLicense, ORIGIN, unique } from "./service.ts";

export interface Seen {
  status: number;
  headers: Headers;
  html: string;
  text: string;
  location: string;
}

/** Each browser has a network of its own, so that tests do not use up each other's limits. */
let networks = 0;

export class Browser {
  readonly cookies = new Map<string, string>();
  readonly ip = `198.51.${++networks >> 8}.${networks & 255}`;
  readonly bindings: Env;

  constructor(bindings: Env = mailing()) {
    this.bindings = bindings;
  }

  get = (path: string, headers: Record<string, string> = {}): Promise<Seen> => this.#ask(path, { headers });

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Seen> {
    const from = { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin" };
    return this.#ask(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { ...from, ...headers },
    });
  }

  /** Sends any body. */
  send = (path: string, body: BodyInit, headers: Record<string, string>): Promise<Seen> =>
    this.#ask(path, { method: "POST", body, headers });

  /** Opens a page and sends its last form with these values instead of its own. */
  async submit(path: string, values: Record<string, string> = {}): Promise<Seen> {
    const page = await this.get(path);
    if (page.status !== 200) return page;
    return this.post(path, { ...hidden(page.html), ...values });
  }

  async #ask(path: string, init: { method?: string; body?: BodyInit; headers: Record<string, string> }) {
    const headers = new Headers(init.headers);
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    if (cookie !== "" && !headers.has("Cookie")) headers.set("Cookie", cookie);
    headers.set("CF-Connecting-IP", this.ip);
    const execution = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, { ...init, headers, redirect: "manual" });
    const response = await worker.fetch(request, this.bindings, execution);
    const html = await response.text();
    await waitOnExecutionContext(execution);
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return {
      status: response.status,
      headers: response.headers,
      html,
      text: html
        .replaceAll(/<[^>]*>/g, " ")
        .replaceAll(/\s+/g, " ")
        .trim(),
      location: (response.headers.get("Location") ?? "").replace(ORIGIN, ""),
    };
  }
}

/** The hidden fields of a page's last form. */
export function hidden(html: string): Record<string, string> {
  const form = html.slice(html.lastIndexOf("<form"));
  return Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((found) => [
      found[1]!,
      found[2]!.replaceAll("&quot;", '"'),
    ]),
  );
}

export interface House {
  customer: { id: string; name: string };
  contact: { id: string; email: string };
  license: { id: string };
  key: string;
}

export const newContact = async (customerId: string, input: Record<string, unknown> = {}) =>
  (
    await admin(`/customers/${customerId}/contacts`, {
      body: { email: `${unique("who")}@acme.example`, ...input },
    })
  ).body;

/** A customer with a license and a contact who may sign in. */
export async function newHouse(
  license: Record<string, unknown> = {},
  contact: Record<string, unknown> = {},
): Promise<House> {
  const customer = (await newCustomer({ name: unique("House") })) as House["customer"];
  const issued = await newLicense({ customer_id: customer.id, max_instances: 2, ...license });
  return {
    customer,
    contact: await newContact(customer.id, contact),
    license: issued.license,
    key: issued.license_key,
  };
}

/** The path of the link in the last mail to an address. */
export function linkTo(resend: FakeResend, email: string): string {
  const text = resend.to(email).at(-1)?.text ?? "";
  const [link] = /\/portal\/sign-in\/link\?token=[\w-]+/.exec(text) ?? [];
  if (link === undefined) throw new Error(`no link in: ${text}`);
  return link;
}

/** A browser in which a contact is signed in. */
export async function signedIn(resend: FakeResend, email: string, browser = new Browser()): Promise<Browser> {
  await browser.post("/portal/sign-in", { email });
  const page = await browser.get(linkTo(resend, email));
  if (page.status !== 200) throw new Error(page.text);
  const entered = await browser.post("/portal/sign-in/link", hidden(page.html));
  if (entered.status !== 303) throw new Error(entered.text);
  return browser;
}
