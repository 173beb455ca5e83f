// Words that are nearly the same: what somebody may have meant who mistyped one. Pure.

/** How many letters must be put in, taken out or changed to make one word of another (Levenshtein). */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [y, letter] of one.split("").entries()) {
    const next = [y + 1];
    for (const [x, against] of other.split("").entries()) {
      const changed = (row[x] ?? 0) + (letter === against ? 0 : 1);
      next.push(Math.min(changed, (row[x + 1] ?? 0) + 1, (next[x] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Those of `all` that differ from a word in a third of its letters at most, the nearest first. */
export const nearest = (word: string, all: readonly string[], most: number): string[] =>
  all
    .map((one) => ({ one, far: distance(word.toLowerCase(), one) }))
    .filter(({ far }) => far <= Math.max(2, word.length / 3))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, most)
    .map(({ one }) => one);
