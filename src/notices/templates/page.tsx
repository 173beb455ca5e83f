// A letter as HTML for mail clients: one layout for all mails. Data appears only as text or as the value of an
// attribute, and JSX escapes both.
import { html } from "hono/html";
import type { FC } from "hono/jsx";
import type { Brand } from "../../field/brand.ts";
import { type Block, type Inline, type Letter, mailto, type Row, type Tone } from "./letter.ts";
import { type Style, styleFor } from "./style.ts";
import { fillText, type Voice } from "./words.ts";

/** What all parts of a page share. */
interface Look {
  style: Style;
  voice: Voice;
}

const Piece: FC<{ piece: Inline } & Look> = ({ piece, style: { look } }) => {
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

const lines = (texts: string[]) =>
  texts.map((text, n) => (
    <>
      {n > 0 && <br />}
      {text}
    </>
  ));

const Words: FC<{ words: Inline[] } & Look> = ({ words, ...shared }) => (
  <>
    {words.map((piece) => (
      <Piece piece={piece} {...shared} />
    ))}
  </>
);

/** A note stands beside what it is about. Several would be squeezed there, and stand below. */
const RowView: FC<{ row: Row } & Look> = ({ row: { lead, detail, note }, ...shared }) => {
  const { look } = shared.style;
  return (
    <tr>
      <td {...look("value")} class="value rowlead">
        <Piece piece={lead} {...shared} />
        {detail !== null && (
          <>
            <br />
            <Piece piece={detail} {...shared} />
          </>
        )}
        {Array.isArray(note) && <p {...look("notes")}>{lines(note)}</p>}
      </td>
      {!Array.isArray(note) && <td {...look("note")}>{note}</td>}
    </tr>
  );
};

const Rows: FC<{ block: Extract<Block, { kind: "rows" }> } & Look> = ({ block, ...shared }) => {
  const { style, voice } = shared;
  const { look } = style;
  const more = block.count - block.rows.length;
  return (
    <>
      {block.title !== null && (
        <h2 {...look("heading")}>
          {block.title} <span {...look("count")}>({voice.number(block.count)})</span>
        </h2>
      )}
      {block.lead !== null && <p {...look("soft")}>{block.lead}</p>}
      <table {...look("table")}>
        {block.rows.map((row) => (
          <RowView row={row} {...shared} />
        ))}
      </table>
      {more > 0 && <p {...look("soft")}>{fillText(voice.texts.more, { n: voice.number(more) })}</p>}
    </>
  );
};

const Ask: FC<{ block: Extract<Block, { kind: "ask" }> } & Look> = ({ block, style: { look } }) => {
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

const BlockView: FC<{ block: Block; tone: Tone } & Look> = ({ block, tone, ...shared }) => {
  const { look, callout } = shared.style;
  switch (block.kind) {
    case "paragraph":
      return (
        <p {...look("paragraph")}>
          <Words words={block.words} {...shared} />
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
              <Words words={block.words} {...shared} />
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
                <Piece piece={value} {...shared} />
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
              <Words words={step} {...shared} />
            </li>
          ))}
        </ol>
      );
    case "key":
      return <div {...look("key")}>{block.key}</div>;
    case "link":
      return (
        <p {...look("ask")}>
          <a {...look("button")} href={block.href}>
            {block.label}
          </a>
        </p>
      );
    case "rows":
      return <Rows block={block} {...shared} />;
    default:
      return <Ask block={block} {...shared} />;
  }
};

const Page: FC<{ letter: Letter; brand: Brand } & Look> = ({ letter, brand, ...shared }) => {
  const { look, strip, sheet } = shared.style;
  const sender = brand.name ?? letter.sender;
  return (
    <html lang={shared.voice.language} dir="ltr">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        {/* Phones turn numbers, dates and even parts of a license key into links. */}
        <meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no" />
        <title>{letter.subject}</title>
        <style dangerouslySetInnerHTML={{ __html: sheet }} />
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
                    {brand.logo === null ? (
                      <p {...look("sender")}>{sender}</p>
                    ) : (
                      <p {...look("sender")}>
                        {/* Outlook scales by the attribute, everything else by the rule. */}
                        <img {...look("logo")} src={brand.logo} alt={sender} height="36" />
                      </p>
                    )}
                    <h1 {...look("title")}>{letter.title}</h1>
                    {letter.blocks.map((block) => (
                      <BlockView block={block} tone={letter.tone} {...shared} />
                    ))}
                  </td>
                </tr>
                <tr>
                  <td {...look("footer")}>
                    <Words words={letter.footer} {...shared} />
                    {brand.footer.length > 0 && <p {...look("imprint")}>{lines(brand.footer)}</p>}
                  </td>
                </tr>
              </table>
            </td>
          </tr>
        </table>
      </body>
    </html>
  );
};

export async function letterHtml(letter: Letter, voice: Voice, brand: Brand): Promise<string> {
  const page = <Page letter={letter} brand={brand} voice={voice} style={styleFor(brand)} />;
  return `${await html`<!doctype html>${page}`}\n`;
}
