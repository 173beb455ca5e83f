// A letter as HTML for mail clients: one layout for all mails. Data appears only as text or as the value of an
// attribute, and JSX escapes both.
import { html } from "hono/html";
import type { FC } from "hono/jsx";
import { type Block, type Inline, type Letter, mailto, type Tone } from "./letter.ts";
import { callout, look, SHEET, strip } from "./style.ts";
import { number } from "./words.ts";

const Piece: FC<{ piece: Inline }> = ({ piece }) => {
  if (typeof piece === "string") return <>{piece}</>;
  if ("name" in piece) return <bdi>{piece.name}</bdi>;
  if ("code" in piece) return <code {...look("code")}>{piece.code}</code>;
  if ("strong" in piece) return <strong>{piece.strong}</strong>;
  const href = mailto(piece.contact);
  if (href === null) return <bdi>{piece.contact}</bdi>;
  return (
    <a {...look("link")} href={href}>
      {piece.contact}
    </a>
  );
};

const Words: FC<{ words: Inline[] }> = ({ words }) => (
  <>
    {words.map((piece) => (
      <Piece piece={piece} />
    ))}
  </>
);

const Rows: FC<{ block: Extract<Block, { kind: "rows" }> }> = ({ block }) => {
  const more = block.count - block.rows.length;
  return (
    <>
      <h2 {...look("heading")}>
        {block.title} <span {...look("count")}>({number(block.count)})</span>
      </h2>
      <p {...look("soft")}>{block.lead}</p>
      <table {...look("table")}>
        {block.rows.map(({ lead, detail, note }) => (
          <tr>
            <td {...look("value")} class="value rowlead">
              <Piece piece={lead} />
              {detail !== null && (
                <>
                  <br />
                  <Piece piece={detail} />
                </>
              )}
            </td>
            <td {...look("note")}>{note}</td>
          </tr>
        ))}
      </table>
      {more > 0 && <p {...look("soft")}>and {number(more)} more</p>}
    </>
  );
};

const Ask: FC<{ block: Extract<Block, { kind: "ask" }> }> = ({ block }) => {
  const href = mailto(block.contact, block.subject);
  if (href === null) return <></>;
  return (
    <p {...look("ask")}>
      <a {...look("button")} href={href}>
        {block.label}
      </a>
    </p>
  );
};

const BlockView: FC<{ block: Block; tone: Tone }> = ({ block, tone }) => {
  switch (block.kind) {
    case "paragraph":
      return (
        <p {...look("paragraph")}>
          <Words words={block.words} />
        </p>
      );
    case "heading":
      return <h2 {...look("heading")}>{block.title}</h2>;
    case "callout":
      return (
        <div {...callout(tone)}>
          <p {...look("headline")}>{block.headline}</p>
          {block.words.length > 0 && (
            <p {...look("callouttext")}>
              <Words words={block.words} />
            </p>
          )}
        </div>
      );
    case "facts":
      return (
        <table {...look("table")}>
          {block.facts.map(([label, value]) => (
            <tr>
              <th {...look("label")} scope="row">
                {label}
              </th>
              <td {...look("value")}>
                <Piece piece={value} />
              </td>
            </tr>
          ))}
        </table>
      );
    case "steps":
      return (
        <ol {...look("steps")}>
          {block.steps.map((step) => (
            <li {...look("step")}>
              <Words words={step} />
            </li>
          ))}
        </ol>
      );
    case "key":
      return <div {...look("key")}>{block.key}</div>;
    case "rows":
      return <Rows block={block} />;
    default:
      return <Ask block={block} />;
  }
};

const Page: FC<{ letter: Letter }> = ({ letter }) => (
  <html lang="en" dir="ltr">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="supported-color-schemes" content="light dark" />
      {/* Phones turn numbers, dates and even parts of a license key into links. */}
      <meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no" />
      <title>{letter.subject}</title>
      <style dangerouslySetInnerHTML={{ __html: SHEET }} />
    </head>
    <body {...look("page")}>
      <div {...look("hidden")}>{letter.preheader}</div>
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0" {...look("frame")}>
        <tr>
          <td {...look("outer")} align="center">
            <table role="presentation" width="600" cellpadding="0" cellspacing="0" {...look("card")}>
              <tr>
                <td {...strip(letter.tone)} aria-hidden="true">
                  {"\u00a0"}
                </td>
              </tr>
              <tr>
                <td {...look("body")}>
                  <p {...look("sender")}>{letter.sender}</p>
                  <h1 {...look("title")}>{letter.title}</h1>
                  {letter.blocks.map((block) => (
                    <BlockView block={block} tone={letter.tone} />
                  ))}
                </td>
              </tr>
              <tr>
                <td {...look("footer")}>
                  <Words words={letter.footer} />
                </td>
              </tr>
            </table>
          </td>
        </tr>
      </table>
    </body>
  </html>
);

export const letterHtml = async (letter: Letter): Promise<string> =>
  `${await html`<!doctype html>${<Page letter={letter} />}`}\n`;
