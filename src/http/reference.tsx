// The API reference, for programs (/openapi.json) and as a page (/docs) that loads nothing from anywhere.
import { html } from "hono/html";
import type { FC } from "hono/jsx";
import { PROBLEMS, type ProblemCode } from "../problems.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { openApiDocument, refusalsOf } from "./openapi/openapi.ts";
import type { Webhook } from "./openapi/webhooks.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1d23, #e6e8ec); --soft: light-dark(#5b6472, #9aa4b2);
  --line: light-dark(#e2e5ea, #2b313b); --panel: light-dark(#f6f7f9, #1b1f26); --page: light-dark(#fff, #13161b);
  --accent: light-dark(#1d5bd6, #86aefc); }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 58rem; padding: 2rem 1.25rem 5rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif;
  overflow-wrap: anywhere }
a { color: var(--accent) }
h1 { font-size: 1.8rem; margin: 0 0 .25rem } h2 { margin: 3rem 0 .5rem } h3 { margin: 0; font-size: 1.05rem }
p { margin: .4rem 0 } .soft { color: var(--soft) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0 }
code, pre { font: 13px/1.5 ui-monospace, monospace }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem;
  overflow-x: auto; margin: .4rem 0 }
section.call { border-top: 1px solid var(--line); padding: 1.25rem 0 }
.method { display: inline-block; min-width: 3.2rem; font-weight: 700; color: var(--accent) }
details { margin: .5rem 0 } summary { cursor: pointer; color: var(--soft) }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top;
  padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line) }
tr:target { background: var(--panel) }
td code { overflow-wrap: normal } .wide { overflow-x: auto }
`;

const Example: FC<{ title: string; value: unknown }> = ({ title, value }) => (
  <details>
    <summary>{title}</summary>
    <pre tabindex={0}>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
  </details>
);

const Call: FC<{ declared: Endpoint }> = ({ declared }) => (
  <section class="call">
    <h3>
      <code>
        <span class="method">{declared.method.toUpperCase()}</span> {declared.path}
      </code>
    </h3>
    <p>
      {declared.summary}.{declared.description ? ` ${declared.description}` : ""}
    </p>
    {declared.body && <Example title="Request" value={declared.body.example} />}
    {declared.upload && <Example title="Request as CSV" value={declared.upload.examples.csv} />}
    {declared.upload && <Example title="Request as JSON" value={declared.upload.examples.json} />}
    {declared.answer.example === undefined ? (
      <p class="soft">
        {declared.answer.status}: {declared.answer.description}
      </p>
    ) : (
      <Example
        title={`${declared.answer.status}: ${declared.answer.description}`}
        value={declared.answer.example}
      />
    )}
    <p class="soft">
      Refusals:{" "}
      {refusalsOf(declared).map((code) => (
        <>
          <a href={`#${code}`}>
            <code>{code}</code>
          </a>{" "}
        </>
      ))}
    </p>
  </section>
);

const TAGS = [
  ["Instances", "What an installation calls. It needs only its license key."],
  [
    "Admin",
    "What staff call, with the header Authorization: Bearer <token> or signed in through Cloudflare Access.",
  ],
  ["Service", "Public keys and health."],
] as const;

const ReferencePage: FC<{ endpoints: Endpoint[]; webhooks: readonly Webhook[]; nonce: string }> = ({
  endpoints,
  webhooks,
  nonce,
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>CAIO Licensing API</title>
      <style nonce={nonce} dangerouslySetInnerHTML={{ __html: STYLE }} />
    </head>
    <body>
      <h1>CAIO Licensing API</h1>
      <p class="soft">
        JSON in, JSON out. The same reference for programs: <a href="/openapi.json">/openapi.json</a>. The
        keys that verify every license key and certificate:{" "}
        <a href="/.well-known/jwks.json">/.well-known/jwks.json</a>.
      </p>
      <nav aria-label="Sections">
        {TAGS.map(([tag]) => (
          <a href={`#${tag}`}>{tag}</a>
        ))}
        <a href="#webhooks">Webhooks</a>
        <a href="#refusals">Refusals</a>
      </nav>
      <main>
        {TAGS.map(([tag, lead]) => (
          <>
            <h2 id={tag}>{tag}</h2>
            <p class="soft">{lead}</p>
            {endpoints
              .filter((declared) => declared.tag === tag)
              .map((declared) => (
                <Call declared={declared} />
              ))}
          </>
        ))}
        <h2 id="webhooks">Webhooks</h2>
        <p class="soft">
          What webhook endpoints get: a POST with the headers <code>webhook-id</code>,{" "}
          <code>webhook-timestamp</code> and <code>webhook-signature</code> of Standard Webhooks.
        </p>
        {webhooks.map(({ type, words, entity, example }) => (
          <section class="call" id={type}>
            <h3>
              <code>{type}</code>
            </h3>
            <p>
              {words}. About: <code>{entity}</code>.
            </p>
            <Example title="Body" value={example} />
          </section>
        ))}
        <h2 id="refusals">Refusals</h2>
        <p class="soft">
          Problem documents after RFC 9457 (<code>application/problem+json</code>) with <code>code</code>,{" "}
          <code>detail</code>, <code>remedy</code>, <code>retryable</code> and <code>request_id</code>.
        </p>
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th>Status</th>
                <th>Code</th>
                <th>Meaning and remedy</th>
              </tr>
            </thead>
            <tbody>
              {(Object.keys(PROBLEMS) as ProblemCode[]).map((code) => (
                <tr id={code}>
                  <td>{PROBLEMS[code].status}</td>
                  <td>
                    <code>{code}</code>
                  </td>
                  <td>
                    {PROBLEMS[code].title}. <span class="soft">{PROBLEMS[code].remedy}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </main>
    </body>
  </html>
);

/** Describes `endpoints`, not itself. */
export const referenceEndpoints = (endpoints: Endpoint[], webhooks: readonly Webhook[]): Endpoint[] => [
  endpoint(
    {
      method: "get",
      path: "/openapi.json",
      tag: "Service",
      summary: "This API as an OpenAPI 3.1 document",
      access: "public",
      answer: { status: 200, description: "The document." },
    },
    ({ http, context }) => {
      http.header("Cache-Control", "public, max-age=300");
      return http.json(openApiDocument(endpoints, webhooks, context.config.issuer));
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/docs",
      tag: "Service",
      summary: "This API as a page",
      access: "public",
      answer: { status: 200, description: "The page.", contentType: "text/html" },
    },
    ({ http }) => {
      const nonce = crypto.randomUUID();
      http.header(
        "Content-Security-Policy",
        `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      return http.html(
        html`<!doctype html>${<ReferencePage endpoints={endpoints} webhooks={webhooks} nonce={nonce} />}`,
      );
    },
  ),
];
