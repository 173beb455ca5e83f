// The floor: what a bare Worker in the same workerd does with the same statements, sent by hand in one batch.
// No routing, no checks; its caller hands over the bound values. Its answer is what it found, with blanks behind it up
// to the length of the service's own. If it is taught a certificate, it signs that with WebCrypto; if it is taught a
// page, it writes that by joining strings.
import { base64url } from "jose";
import type { Blob, Lesson, Work } from "../cost.ts";

interface Bindings {
  DB: D1Database;
  SIGNING_KEYS: string;
}

interface Learned extends Omit<Lesson, "statements"> {
  texts: string[];
  /** Which values are bytes: of which statement, in which place. */
  blobs: [statement: number, value: number][];
}

const learned = new Map<string, Learned>();

const isBlob = (value: unknown): value is Blob => typeof value === "object" && value !== null;

let constant = "";
let constantHeaders: [string, string][] = [];

/** So that it can be seen that it is the work of the service. */
const workOf = (results: D1Result[]): Work => ({
  read: results.reduce((sum, { meta }) => sum + meta.rows_read, 0),
  written: results.reduce((sum, { meta }) => sum + meta.rows_written, 0),
});

const utf8 = new TextEncoder();

let imported: Promise<CryptoKey> | undefined;

function signingKey(jwks: string): Promise<CryptoKey> {
  const [{ kty, crv, x, d }] = (JSON.parse(jwks) as { keys: [Record<"kty" | "crv" | "x" | "d", string>] })
    .keys;
  return crypto.subtle.importKey("jwk", { kty, crv, x, d }, "Ed25519", false, ["sign"]);
}

/** A compact JWS (RFC 7515 section 7.1) of this second. */
async function signed({ header, claims }: NonNullable<Lesson["certificate"]>, jwks: string): Promise<string> {
  const payload = JSON.stringify({ ...claims, iat: Math.floor(Date.now() / 1000) });
  const text = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(payload)}`;
  const key = await (imported ??= signingKey(jwks));
  const signature = await crypto.subtle.sign("Ed25519", key, utf8.encode(text));
  return `${text}.${base64url.encode(new Uint8Array(signature))}`;
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (value: string): string =>
  /[&<>"']/.test(value) ? value.replaceAll(/[&<>"']/g, (found) => ESCAPES[found]!) : value;

function written(page: string[]): string {
  let html = "";
  for (let n = 0; n < page.length; n++) html += n % 2 === 0 ? page[n]! : escaped(page[n]!);
  return html;
}

/** One statement is not worth a batch. */
const send = async (db: D1Database, statements: D1PreparedStatement[]): Promise<D1Result[]> =>
  statements.length === 1 ? [await statements[0]!.all()] : db.batch(statements);

export default {
  async fetch(request: Request, { DB, SIGNING_KEYS }: Bindings): Promise<Response> {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path === "/constant") {
      if (request.method === "PUT") {
        constant = await request.text();
        constantHeaders = JSON.parse(request.headers.get("Bench-Headers") ?? "[]") as [string, string][];
      }
      return new Response(constant, { headers: constantHeaders });
    }
    const { method } = request;
    if (method === "PUT") {
      const { statements, ...rest }: Lesson = await request.json();
      const blobs = statements.flatMap(({ values }, statement) =>
        values.flatMap((value, place): Learned["blobs"] => (isBlob(value) ? [[statement, place]] : [])),
      );
      learned.set(path, { texts: statements.map(({ text }) => text), blobs, ...rest });
      return new Response(null, { status: 204 });
    }
    const values: unknown[][] = await request.json();
    const { texts, blobs, alone, answer, certificate, page } = learned.get(path)!;
    for (const [statement, place] of blobs) {
      values[statement]![place] = base64url.decode((values[statement]![place] as Blob).base64url);
    }
    const statements = texts.map((text, index) => DB.prepare(text).bind(...values[index]!));
    if (method === "PATCH") return Response.json(workOf(await DB.batch(statements)));
    const results = alone === 0 ? [] : await send(DB, statements.slice(0, alone));
    results.push(...(await send(DB, statements.slice(alone))));
    if (page) return new Response(written(page), { headers: { "Content-Type": "text/html; charset=UTF-8" } });
    const token = certificate && (await signed(certificate, SIGNING_KEYS));
    const found = JSON.stringify({ found: results.map((result) => result.results), token });
    return new Response(found.padEnd(answer), { headers: { "Content-Type": "application/json" } });
  },
} satisfies ExportedHandler<Bindings>;
