// The floor: what a bare Worker in the same workerd does with the same statements, sent by hand in one batch.
// No routing, no checks, no signatures; its caller hands over the bound values. Its answer is what it found, with
// blanks behind it up to the length of the service's own.
import { base64url } from "jose";
import type { Blob, Lesson, Work } from "../cost.ts";

interface Bindings {
  DB: D1Database;
}

interface Learned {
  texts: string[];
  /** Which values are bytes: of which statement, in which place. */
  blobs: [statement: number, value: number][];
  answer: number;
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

export default {
  async fetch(request: Request, { DB }: Bindings): Promise<Response> {
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
      const { statements, answer }: Lesson = await request.json();
      const blobs = statements.flatMap(({ values }, statement) =>
        values.flatMap((value, place): Learned["blobs"] => (isBlob(value) ? [[statement, place]] : [])),
      );
      learned.set(path, { texts: statements.map(({ text }) => text), blobs, answer });
      return new Response(null, { status: 204 });
    }
    const values: unknown[][] = await request.json();
    const { texts, blobs, answer } = learned.get(path)!;
    for (const [statement, place] of blobs) {
      values[statement]![place] = base64url.decode((values[statement]![place] as Blob).base64url);
    }
    const statements = texts.map((text, index) => DB.prepare(text).bind(...values[index]!));
    if (method === "PATCH") return Response.json(workOf(await DB.batch(statements)));
    const [only] = statements;
    const results = statements.length === 1 ? [await only!.all()] : await DB.batch(statements);
    const found = JSON.stringify(results.map((result) => result.results));
    return new Response(found.padEnd(answer), {
      headers: { "Content-Type": "application/json" },
    });
  },
} satisfies ExportedHandler<Bindings>;
