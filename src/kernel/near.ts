// Words that are nearly the same: what somebody may have meant who mistyped one. Pure.
import { distance } from "fastest-levenshtein";

/** Those of `all` that differ from a word in a third of its letters at most, the nearest first. */
export const nearest = (word: string, all: readonly string[], most: number): string[] =>
  all
    .map((one) => ({ one, far: distance(word.toLowerCase(), one) }))
    .filter(({ far }) => far <= Math.max(2, word.length / 3))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, most)
    .map(({ one }) => one);
