// A letter as plain text, for people and programs that do not show HTML.
import type { Brand } from "../../field/brand.ts";
import type { Block, Inline, Letter } from "./letter.ts";
import { fillText, type Voice } from "./words.ts";

/** Columns of a terminal: Chinese, Japanese and Korean characters take two. */
const WIDTH = 72;

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

const columnsOf = (text: string): number => {
  let columns = 0;
  for (const character of text) columns += WIDE.test(character) ? 2 : 1;
  return columns;
};

const padded = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - columnsOf(text)));

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

// Where a line may break: at a space, and around a wide character, but not before a closing mark or a small kana, nor
// after an opening mark (JIS X 4051). An isolated text stays on one line, because an isolate ends with its line.
const OPENING = "（「『【";
const CLOSING = "、。，．・：；？！）」』】ーぁぃぅぇぉっゃゅょァィゥェォッャュョ";
const UNITS = new RegExp(
  ` |[${OPENING}]*(?:\u2068[^\u2069]*\u2069|${WIDE.source}|(?:(?!${WIDE.source})[^ ])+)[${CLOSING}]*`,
  "g",
);

/** Lines of at most WIDTH; what cannot be broken gets its own line. `indent` goes before every line except the first. */
function wrap(text: string, first = "", indent = " ".repeat(columnsOf(first))): string {
  const lines: string[] = [];
  let line = first;
  let start = first;
  let space = "";
  for (const unit of text.match(UNITS) ?? []) {
    if (unit === " ") {
      space = line === start ? "" : " ";
      continue;
    }
    if (line !== start && columnsOf(line + space + unit) > WIDTH) {
      lines.push(line);
      line = start = indent;
      space = "";
    }
    line += space + unit;
    space = "";
  }
  return [...lines, line].join("\n");
}

const underlined = (title: string): string => `${title}\n${"-".repeat(columnsOf(title))}`;

function rowsText({ title, lead, count, rows }: Extract<Block, { kind: "rows" }>, voice: Voice): string {
  const { comma, more } = voice.texts;
  const left = count - rows.length;
  return [
    ...(title === null ? [] : [underlined(`${title} (${voice.number(count)})`), ""]),
    ...(lead === null ? [] : [wrap(lead), ""]),
    ...rows.flatMap(({ lead: name, detail, note }) => {
      const [beside, below] = Array.isArray(note) ? [[], note] : [[note], []];
      const pieces: (Inline | null)[] = [name, detail, ...beside];
      const line = pieces.flatMap((piece) => (piece === null ? [] : inlineText(piece))).join(comma);
      return [wrap(line, "- "), ...below.map((text) => wrap(text, "  "))];
    }),
    ...(left > 0 ? [fillText(more, { n: voice.number(left) })] : []),
  ].join("\n");
}

function factsText({ facts }: Extract<Block, { kind: "facts" }>, { texts }: Voice): string {
  const width = Math.max(...facts.map(([label]) => columnsOf(label + texts.colon))) + 2;
  return facts
    .map(([label, value]) => wrap(inlineText(value), padded(label + texts.colon, width)))
    .join("\n");
}

function blockText(block: Block, voice: Voice): string | null {
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
    case "facts":
      return factsText(block, voice);
    case "steps":
      return block.steps.map((step, index) => wrap(sentence(step), `${index + 1}. `)).join("\n");
    case "rows":
      return rowsText(block, voice);
    case "link":
      return `${block.label}${voice.texts.colon}\n${block.href}`;
    case "ask":
      // Text has no button, and the paragraph before it says the same.
      return null;
    default:
      return block.key;
  }
}

export function letterText({ sender, title, blocks, footer }: Letter, voice: Voice, brand: Brand): string {
  const body = blocks.map((block) => blockText(block, voice)).filter((text) => text !== null);
  const end = [wrap(sentence(footer)), ...(brand.footer.length > 0 ? ["", ...brand.footer] : [])];
  return `${[wrap(brand.name ?? sender), wrap(title), ...body, `-- \n${end.join("\n")}`].join("\n\n")}\n`;
}
