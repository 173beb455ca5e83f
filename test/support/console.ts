// Uses the console like a browser without scripts: signs in, opens pages, fills in their forms.
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import type { Env } from "../../src/config.ts";
import worker from "../../src/worker.ts";
import { env } from "./env.ts";
import { assertPageKeepsSecrets, rememberGivenOut } from "./leaks.ts";
import { newToken, ORIGIN } from "./service.ts";

interface PageForm {
  method: string;
  /** Where it is sent: a path with its query. */
  action: string;
  isMultipart: boolean;
  /** What a browser sends if nothing is changed: with hidden fields, without unchecked boxes. */
  fields: [name: string, value: string][];
}

export interface ShownPage {
  /** The path with its query. */
  path: string;
  status: number;
  headers: Headers;
  html: string;
  /** What a person reads: without tags, with blanks collapsed. */
  text: string;
  forms: PageForm[];
  /** Where the answer redirects to: a path with its query; empty if it does not. */
  location: string;
}

/** Values for fields: a list for a repeated field; undefined removes a field. */
export type Fields = Record<string, string | string[] | File | undefined>;

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };

const decode = (html: string): string =>
  html.replaceAll(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ENTITIES[name]!);

async function formsOf(html: string, path: string): Promise<PageForm[]> {
  const forms: PageForm[] = [];
  const value = (element: Element, name: string): string => decode(element.getAttribute(name) ?? "");
  const add = (name: string, text: string): void => void forms.at(-1)?.fields.push([name, text]);
  const rewriter = new HTMLRewriter()
    .on("form", {
      element(form) {
        forms.push({
          method: value(form, "method") || "get",
          action: value(form, "action") || path,
          isMultipart: value(form, "enctype") === "multipart/form-data",
          fields: [],
        });
      },
    })
    .on("form input[name]", {
      element(input) {
        const type = value(input, "type");
        const left = /^(?:checkbox|radio)$/.test(type) ? !input.hasAttribute("checked") : type === "file";
        if (!left && !input.hasAttribute("disabled")) add(value(input, "name"), value(input, "value"));
      },
    })
    .on("form select[name]", { element: (select) => add(value(select, "name"), "") })
    .on("form select option[selected]", {
      element: (option) => void (forms.at(-1)!.fields.at(-1)![1] = value(option, "value")),
    })
    .on("form textarea[name]", {
      element: (area) => add(value(area, "name"), ""),
      text: (chunk) => void (forms.at(-1)!.fields.at(-1)![1] += decode(chunk.text)),
    });
  await rewriter.transform(new Response(html)).text();
  return forms;
}

export class Visitor {
  readonly #cookies = new Map<string, string>();
  readonly #bindings: Env;

  private constructor(bindings: Env) {
    this.#bindings = bindings;
  }

  /** Signs in; without a token, as the owner with ADMIN_TOKEN. */
  static async signIn(token = env.ADMIN_TOKEN, bindings: Env = env): Promise<Visitor> {
    const visitor = new Visitor(bindings);
    const answer = await visitor.post("/admin/sign-in", { token });
    if (answer.status !== 303) throw new Error(answer.text);
    return visitor;
  }

  static async signInAs(role: "owner" | "manager" | "viewer", bindings: Env = env): Promise<Visitor> {
    return Visitor.signIn((await newToken({ role })).token, bindings);
  }

  get(path: string): Promise<ShownPage> {
    return this.#ask(path, {});
  }

  /** Sends just these fields, as a page of ours does unless `headers` say otherwise. */
  post(path: string, fields: Fields, headers: Record<string, string> = {}): Promise<ShownPage> {
    const entered = Object.entries(fields).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string | File] => [name, one]),
    );
    const files = entered.some(([, value]) => typeof value !== "string");
    const body = files ? new FormData() : new URLSearchParams();
    for (const [name, value] of entered) body.append(name, value as string);
    const from = { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin" };
    return this.#ask(path, { method: "POST", body, headers: { ...from, ...headers } });
  }

  /**
   * Sends a form of the page, with these values instead of its own.
   * @param action the address of the form; without it, the first form other than "Sign out"
   */
  submit(page: ShownPage, values: Fields = {}, action?: string): Promise<ShownPage> {
    const form = page.forms.find(
      (one) =>
        one.method === "post" &&
        (action === undefined ? one.action !== "/admin/sign-out" : one.action === action),
    );
    if (!form) throw new Error(`no such form on ${page.path}: ${page.text}`);
    const fields: Fields = {};
    for (const [name, value] of form.fields)
      fields[name] = [...[(fields[name] as string[]) ?? []].flat(), value];
    return this.post(form.action, { ...fields, ...values });
  }

  /** Opens the page of a form, sends it with these values, and follows the redirect, if there is one. */
  async fill(path: string, values: Fields = {}): Promise<ShownPage> {
    const answer = await this.submit(await this.get(path), values);
    return answer.location === "" ? answer : this.get(answer.location);
  }

  #keep(cookies: string[]): void {
    for (const cookie of cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (/; Max-Age=0\b/i.test(cookie)) this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
  }

  async #ask(path: string, init: RequestInit): Promise<ShownPage> {
    const headers = new Headers(init.headers);
    const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
    if (cookies.length > 0) headers.set("Cookie", cookies.join("; "));
    const execution = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, { ...init, headers, redirect: "manual" });
    const sent = init.body instanceof URLSearchParams ? init.body.toString() : "";
    const response = await worker.fetch(request, this.#bindings, execution);
    const html = await response.text();
    await waitOnExecutionContext(execution);
    this.#keep(response.headers.getSetCookie());
    if (response.ok) rememberGivenOut(html);
    else if (response.status >= 400) assertPageKeepsSecrets(html, sent, path);
    const location = response.headers.get("Location");
    return {
      path,
      status: response.status,
      headers: response.headers,
      html,
      text: decode(html.replaceAll(/<[^>]*>/g, " "))
        .replaceAll(/\s+/g, " ")
        .trim(),
      forms: await formsOf(html, path),
      location: location === null ? "" : location.replace(ORIGIN, ""),
    };
  }
}
