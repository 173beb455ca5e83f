// The floor: what a bare Worker in the same workerd does with the same statements, sent by hand in one batch.
// No routing, no checks, no signatures; its caller hands over the bound values.
import type { Sent } from "../cost.ts";

interface Bindings {
  DB: D1Database;
}

const texts = new Map<string, string[]>();

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
      const statements: Sent[] = await request.json();
      texts.set(
        path,
        statements.map(({ text }) => text),
      );
      return new Response(null, { status: 204 });
    }
    const values: unknown[][] = await request.json();
    const statements = texts.get(path)!.map((text, index) => DB.prepare(text).bind(...values[index]!));
    const [only] = statements;
    const result = statements.length === 1 ? await only!.all() : (await DB.batch(statements)).at(-1)!;
    return Response.json(result.results);
  },
} satisfies ExportedHandler<Bindings>;
