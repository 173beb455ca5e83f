// `npm run docs`: writes docs/api.md from the OpenAPI document. A test compares the two.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";
import { commandLine, runCommand } from "./command.ts";

interface Schema {
  type?: string | string[];
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  format?: string;
  default?: unknown;
  description?: string;
}

type Content = Record<string, { schema: Schema; example?: unknown }>;

interface Answer {
  description: string;
  content?: Content;
}

interface Operation {
  tags: string[];
  summary: string;
  description?: string;
  "x-permission"?: string;
  parameters?: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, Answer>;
}

/** The parts of an OpenAPI document that are read here. */
interface OpenApi {
  info: { description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: Operation }>;
}

const USAGE = `Usage: npm run docs

Writes docs/api.md from the OpenAPI document.`;

const ROOT = join(import.meta.dirname, "../..");
const ISSUER = "https://licensing.smarthaus.example";
const GUIDE = "licensing/LICENSE_MANAGEMENT.md";

/** A schema in few words: `integer, 1–100`, `"active", "revoked"`, `string or null`. */
function typeOf(schema: Schema): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const types = [schema.type ?? "any"].flat();
  const name = schema.format?.startsWith("date") ? schema.format : types.join(" or ");
  if (types.includes("array")) return `array of ${typeOf(schema.items ?? {})}`;
  if (types.includes("object") && schema.properties) return `{${Object.keys(schema.properties).join(", ")}}`;
  const { minimum, maximum, maxLength } = schema;
  if (minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER)
    return `${name}, ${minimum}–${maximum}`;
  return maxLength === undefined ? name : `${name}, at most ${maxLength} characters`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function row(name: string, where: string, schema: Schema, required: boolean): string {
  const notes = [
    required ? "required" : "",
    schema.default === undefined ? "" : `default ${JSON.stringify(schema.default)}`,
    schema.description ?? "",
  ];
  const said = notes.filter((note) => note !== "").join("; ");
  return `| \`${name}\` | ${where} | ${cell(typeOf(schema))} | ${cell(said)} |`;
}

/** The members of a call's JSON body; for an import, those of a row. */
function bodyRows(content: Content): string[] {
  const schema = content["application/json"]?.schema ?? {};
  const { properties = {}, required = [] } = schema.anyOf?.[0]?.items ?? schema;
  const where = content["text/csv"] ? "row" : "body";
  return Object.entries(properties).map(([name, property]) =>
    row(name, where, property, required.includes(name)),
  );
}

const block = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

const shown = (example: unknown): string =>
  typeof example === "string" ? block("text", example) : block("json", JSON.stringify(example, null, 2));

function answerOf(status: string, { description, content = {} }: Answer): string {
  const [[type, media] = []] = Object.entries(content);
  const line = `**${status}** ${description}`;
  if (media?.example === undefined) return line;
  const title = type === "application/json" ? "Answer" : `Answer (\`${type}\`)`;
  return `${line}\n\n<details><summary>${title}</summary>\n\n${shown(media.example)}\n\n</details>`;
}

function operation(path: string, method: string, declared: Operation): string {
  const call = `${method.toUpperCase()} ${path}`;
  const { summary, description, parameters = [], requestBody, responses } = declared;
  const content = requestBody?.content ?? {};
  const permission = declared["x-permission"];
  const parts = [
    `### ${call}`,
    `${summary}.${description ? ` ${description}` : ""}`,
    permission ? `Permission: \`${permission}\`` : "No credentials.",
  ];
  const rows = [
    ...parameters.map(({ name, in: where, schema, required }) => row(name, where, schema, required)),
    ...bodyRows(content),
  ];
  if (rows.length > 0) parts.push(["| name | in | type | |", "|---|---|---|---|", ...rows].join("\n"));
  for (const [type, { example }] of Object.entries(content)) {
    const text = typeof example === "string" ? example : JSON.stringify(example);
    parts.push(block("http", `${call}\nContent-Type: ${type}\n\n${text}`));
  }
  for (const [status, answer] of Object.entries(responses))
    if (status < "400") parts.push(answerOf(status, answer));
  const codes = Object.entries(responses)
    .filter(([status]) => status >= "400")
    .flatMap(([, answer]) => answer.description.split(" · "))
    .map((code) => `[\`${code}\`](${GUIDE}#${code.toLowerCase()})`);
  if (codes.length > 0) parts.push(`Refusals: ${codes.join(" ")}`);
  return parts.join("\n\n");
}

/** The reference as Markdown. */
export function apiReference(document: object): string {
  const { info, tags, paths, webhooks } = document as OpenApi;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, declared]) => ({ path, method, declared })),
  );
  const sections = tags
    .filter(({ name }) => name !== "Webhooks")
    .map(({ name, description }) =>
      [
        `## ${name}\n\n${description}`,
        ...operations
          .filter(({ declared }) => declared.tags[0] === name)
          .map(({ path, method, declared }) => operation(path, method, declared)),
      ].join("\n\n"),
    );
  return `# API

<!-- Written by \`npm run docs\` from the OpenAPI document. Do not edit. -->

${info.description} A running service shows the same at \`/docs\`, and for programs at \`/openapi.json\`. What each refusal means is in [the guide](${GUIDE}#troubleshooting).

${sections.join("\n\n")}

## Webhooks

What [webhook endpoints](webhooks.md) get. \`/docs\` shows an example of each.

| type | what happened | about |
|---|---|---|
${Object.entries(webhooks)
  .map(
    ([type, { post }]) =>
      `| \`${type}\` | ${post.summary} | ${post.description?.replace("About: ", "").replace(".", "")} |`,
  )
  .join("\n")}
`;
}

async function main(): Promise<void> {
  commandLine(USAGE, {});
  // The Worker's sources contain JSX, which Node cannot read.
  const load = async <T>(path: string): Promise<T> =>
    (await runnerImport<T>(join(ROOT, path), { configFile: false, root: ROOT, logLevel: "error" })).module;
  const { endpoints, WEBHOOKS } = await load<{ endpoints: unknown; WEBHOOKS: unknown }>("src/app.ts");
  const { openApiDocument } = await load<{
    openApiDocument: (of: unknown, webhooks: unknown, issuer: string) => object;
  }>("src/http/openapi.ts");
  writeFileSync(join(ROOT, "docs/api.md"), apiReference(openApiDocument(endpoints, WEBHOOKS, ISSUER)));
  process.stdout.write("docs/api.md is written.\n");
}

if (import.meta.main) await runCommand(main);
