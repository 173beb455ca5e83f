// The floor: what a bare Worker in the same workerd does with the same statements, sent by hand in one batch.
// No routing, no checks, no signatures; its caller hands over the bound values. Its answer is what it found, with
// blanks behind it up to the length of the service's own.
import type { Lesson } from "../cost.ts";

interface Bindings {
  DB: D1Database;
}

const learned = new Map<string, { texts: string[]; answer: number }>();

let constant = "";
let constantHeaders: [string, string][] = [];

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
    if (request.method === "PUT") {
      const { statements, answer }: Lesson = await request.json();
      learned.set(path, { texts: statements.map(({ text }) => text), answer });
      return new Response(null, { status: 204 });
    }
    const values: unknown[][] = await request.json();
    const { texts, answer } = learned.get(path)!;
    const statements = texts.map((text, index) => DB.prepare(text).bind(...values[index]!));
    const [only] = statements;
    const result = statements.length === 1 ? await only!.all() : (await DB.batch(statements)).at(-1)!;
    return new Response(JSON.stringify(result.results).padEnd(answer), {
      headers: { "Content-Type": "application/json" },
    });
  },
} satisfies ExportedHandler<Bindings>;
