// A letter as plain text, for people and programs that do not show HTML.
import type { Block, Inline, Letter } from "./letter.ts";
import { number } from "./words.ts";

const WIDTH = 72;

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Isolated if its direction would otherwise move the punctuation after it (UAX #9). */
const isolated = (name: string): string => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);

function inlineText(piece: Inline): string {
  if (typeof piece === "string") return piece;
  if ("name" in piece) return isolated(piece.name);
  if ("code" in piece) return piece.code;
  return "strong" in piece ? piece.strong : isolated(piece.contact);
}

const sentence = (pieces: Inline[]): string => pieces.map(inlineText).join("");

// An isolated text stays on one line, because an isolate ends with its line.
const WORDS = /(?:\u2068[^\u2069]*\u2069|[^ ])+/g;

/** Lines of at most WIDTH; a longer word gets its own line. `indent` goes before every line except the first. */
function wrap(text: string, first = "", indent = " ".repeat(first.length)): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.match(WORDS) ?? []) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join("\n");
}

const underlined = (title: string): string => `${title}\n${"-".repeat(title.length)}`;

function blockText(block: Block): string | null {
  switch (block.kind) {
    case "paragraph":
      return wrap(sentence(block.words));
    case "heading":
      return underlined(block.title);
    case "callout":
      return [block.headline, sentence(block.words)]
        .filter((text) => text !== "")
        .map((text) => wrap(text, "  "))
        .join("\n");
    case "facts": {
      const width = Math.max(...block.facts.map(([label]) => label.length)) + 3;
      return block.facts
        .map(([label, value]) => wrap(inlineText(value), `${label}:`.padEnd(width)))
        .join("\n");
    }
    case "steps":
      return block.steps.map((step, index) => wrap(sentence(step), `${index + 1}. `)).join("\n");
    case "rows": {
      const rows = block.rows.map(({ lead, detail, note }) =>
        wrap(
          [lead, detail, note].flatMap((piece) => (piece === null ? [] : inlineText(piece))).join(", "),
          "- ",
        ),
      );
      const more = block.count - block.rows.length;
      return [
        underlined(`${block.title} (${number(block.count)})`),
        "",
        wrap(block.lead),
        "",
        ...rows,
        ...(more > 0 ? [`and ${number(more)} more`] : []),
      ].join("\n");
    }
    case "ask":
      // Text has no button, and the paragraph before it says the same.
      return null;
    default:
      return block.key;
  }
}

export function letterText({ sender, title, blocks, footer }: Letter): string {
  const body = blocks.map(blockText).filter((text) => text !== null);
  return `${[wrap(sender), wrap(title), ...body, `-- \n${wrap(sentence(footer))}`].join("\n\n")}\n`;
}
