// Puts the tables of a run into docs/performance.md, each between two marks.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "../../docs/performance.md");

const mark = (name: string): [begin: string, end: string] => [
  `<!-- bench: ${name} -->`,
  `<!-- end: ${name} -->`,
];

/** @throws if a mark is missing */
export function writeDocs(texts: Record<string, string>): void {
  let page = readFileSync(FILE, "utf8");
  for (const [name, text] of Object.entries(texts)) {
    const [begin, end] = mark(name);
    const [from, to] = [page.indexOf(begin), page.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/performance.md has no place for ${name}: ${begin}`);
    page = `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
  }
  writeFileSync(FILE, page);
}
