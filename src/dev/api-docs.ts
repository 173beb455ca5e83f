// `npm run docs`: writes docs/api.md from the OpenAPI document. A test compares the two.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";

type Json = Record<string, any>;

const ROOT = join(import.meta.dirname, "../..");
const ISSUER = "https://licensing.smarthaus.example";
const GUIDE = "licensing/LICENSE_MANAGEMENT.md";

/** A schema in few words: `integer, 1–100`, `"active" | "revoked"`, `string or null`. */
function typeOf(schema: Json): string {
  if (schema["anyOf"]) return (schema["anyOf"] as Json[]).map(typeOf).join(" or ");
  if (schema["enum"]) return (schema["enum"] as unknown[]).map((value) => JSON.stringify(value)).join(", ");
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const types: string[] = [schema["type"] ?? "any"].flat();
  const name = types.join(" or ");
  if (types.includes("array")) return `array of ${typeOf(schema["items"] ?? {})}`;
  if (types.includes("object") && schema["properties"])
    return `{${Object.keys(schema["properties"]).join(", ")}}`;
  const { minimum, maximum, maxLength } = schema;
  if (types.includes("integer") && minimum !== undefined && maximum !== undefined && maximum < 2 ** 53 - 1)
    return `${name}, ${minimum}–${maximum}`;
  return maxLength === undefined ? name : `${name}, at most ${maxLength} characters`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const row = (name: string, where: string, schema: Json, required: boolean): string => {
  const notes = [
    required ? "required" : "",
    schema["default"] === undefined ? "" : `default ${JSON.stringify(schema["default"])}`,
    schema["description"] ?? "",
  ];
  const said = notes.filter((note) => note !== "").join("; ");
  return `| \`${name}\` | ${where} | ${cell(typeOf(schema))} | ${cell(said)} |`;
};

/** Members of the JSON that a call takes; of a file to import, those of a row. */
function bodyRows(content: Json): string[] {
  const schema: Json = content["application/json"]["schema"];
  const members = schema["anyOf"]?.[0]?.["items"] ?? schema;
  const where = content["text/csv"] ? "row" : "body";
  return Object.entries((members["properties"] ?? {}) as Record<string, Json>).map(([name, property]) =>
    row(name, where, property, (members["required"] ?? []).includes(name)),
  );
}

const block = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

const shown = (example: unknown): string =>
  typeof example === "string" ? block("text", example) : block("json", JSON.stringify(example, null, 2));

function answerOf(status: string, { description, content = {} }: Json): string {
  const [[type, media] = []] = Object.entries(content as Record<string, Json>);
  const line = `**${status}** ${description}`;
  if (media?.["example"] === undefined) return line;
  const title = type === "application/json" ? "Answer" : `Answer (\`${type}\`)`;
  return `${line}\n\n<details><summary>${title}</summary>\n\n${shown(media["example"])}\n\n</details>`;
}

function operation(path: string, method: string, declared: Json): string {
  const parts = [`### ${method.toUpperCase()} ${path}`];
  parts.push(`${declared["summary"]}.${declared["description"] ? ` ${declared["description"]}` : ""}`);
  const permission = declared["x-permission"];
  parts.push(permission ? `Permission: \`${permission}\`` : "No credentials.");
  const content = declared["requestBody"]?.["content"] as Json | undefined;
  const parameters = ((declared["parameters"] ?? []) as Json[]).map(({ name, in: where, schema, required }) =>
    row(name, where, schema, required),
  );
  const rows = [...parameters, ...(content ? bodyRows(content) : [])];
  if (rows.length > 0) parts.push(["| name | in | type | |", "|---|---|---|---|", ...rows].join("\n"));
  for (const [type, { example }] of Object.entries((content ?? {}) as Record<string, Json>)) {
    const text = typeof example === "string" ? example : JSON.stringify(example);
    parts.push(block("http", `${method.toUpperCase()} ${path}\nContent-Type: ${type}\n\n${text}`));
  }
  const responses = Object.entries(declared["responses"] as Record<string, Json>);
  for (const [status, response] of responses) if (status < "400") parts.push(answerOf(status, response));
  const codes = responses
    .filter(([status]) => status >= "400")
    .flatMap(([, { description }]) => String(description).split(" · "))
    .map((code) => `[\`${code}\`](${GUIDE}#${code.toLowerCase()})`);
  if (codes.length > 0) parts.push(`Refusals: ${codes.join(" ")}`);
  return parts.join("\n\n");
}

/** The reference as Markdown. */
export function apiReference(document: Json): string {
  const operations = Object.entries(document["paths"] as Record<string, Json>).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Json>).map(([method, declared]) => ({ path, method, declared })),
  );
  const sections = (document["tags"] as { name: string; description: string }[]).map(
    ({ name, description }) =>
      [
        `## ${name}\n\n${description}`,
        ...operations
          .filter(({ declared }) => declared["tags"][0] === name)
          .map(({ path, method, declared }) => operation(path, method, declared)),
      ].join("\n\n"),
  );
  return `# API

<!-- Written by \`npm run docs\` from the OpenAPI document. Do not edit. -->

${document["info"].description} A running service shows the same at \`/docs\`, and for programs at \`/openapi.json\`. What each refusal means is in [the guide](${GUIDE}#troubleshooting).

${sections.join("\n\n")}
`;
}

if (import.meta.main) {
  // The Worker's sources hold JSX, which Node does not read.
  const load = async <T>(path: string): Promise<T> =>
    (await runnerImport<T>(join(ROOT, path), { configFile: false, root: ROOT, logLevel: "error" })).module;
  const { endpoints } = await load<{ endpoints: unknown }>("src/app.ts");
  const { openApiDocument } = await load<{ openApiDocument: (of: unknown, issuer: string) => Json }>(
    "src/http/openapi.ts",
  );
  writeFileSync(join(ROOT, "docs/api.md"), apiReference(openApiDocument(endpoints, ISSUER)));
  process.stdout.write("docs/api.md is written.\n");
}
