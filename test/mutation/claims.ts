// The statement that claims a seat, with each of its operators changed in turn: do the stories of claims notice?
// Stryker changes TypeScript; the rules of seats are SQL, so this does for them what it does elsewhere.
import { difference, type Mutate, newDatabase, storiesOf } from "../local/support/seats-stories.ts";

const LEAST_SCORE = 90;

/** Each operator, and what a slip of the hand makes of it. */
const OPERATORS: [RegExp, string[]][] = [
  [/ <= /g, [" < ", " > "]],
  [/ >= /g, [" > ", " < "]],
  [/ < /g, [" <= ", " > "]],
  [/ > /g, [" >= ", " < "]],
  [/ <> /g, [" = "]],
  [/ = /g, [" <> "]],
  [/ AND /g, [" OR "]],
  [/ OR /g, [" AND "]],
  [/ \+ /g, [" - "]],
  [/ \* /g, [" / "]],
  [/ \/ /g, [" * "]],
  [/\bmin\(/g, ["max("]],
  [/\bmax\(/g, ["min("]],
  [/\bNOT (?=\?)/g, [""]],
  [/ IS NOT NULL/g, [" IS NULL"]],
  [/ IS NULL/g, [" IS NOT NULL"]],
  [/ IS NOT (?=\?)/g, [" IS "]],
  [/ IS (?=\?)/g, [" IS NOT "]],
  [/\biif\(/g, ["iif(NOT "]],
  [/excluded\.(?=[a-z])/g, [""]],
];

interface Mutant {
  name: string;
  mutate: Mutate;
}

function mutantsOf(sql: string): Mutant[] {
  const mutants: Mutant[] = [];
  for (const [operator, others] of OPERATORS) {
    for (const { index, 0: found } of sql.matchAll(operator)) {
      const line = sql.slice(0, index).split("\n").length;
      const around = sql.slice(Math.max(0, index - 30), index + 30).replaceAll(/\s+/g, " ");
      for (const other of others) {
        mutants.push({
          name: `line ${line}, "${found.trim()}" to "${other.trim()}": … ${around} …`,
          mutate: (text) => text.slice(0, index) + other + text.slice(index + found.length),
        });
      }
    }
  }
  return mutants;
}

const database = newDatabase();
const stories = storiesOf(2_000);

/** What becomes of a change: it is no statement at all, a story tells, or nothing does. */
function fateOf({ mutate }: Mutant): "invalid" | "killed" | "survived" {
  for (const story of stories) {
    try {
      if (difference(database, story, mutate) !== null) return "killed";
    } catch (error) {
      return /syntax error|no such column/.test((error as Error).message) ? "invalid" : "killed";
    }
  }
  return "survived";
}

let statement = "";
difference(database, stories[0]!, (sql) => (statement = sql));
const fates = mutantsOf(statement).map((mutant) => ({ mutant, fate: fateOf(mutant) }));
const count = (wanted: string): number => fates.filter(({ fate }) => fate === wanted).length;
const score = (100 * count("killed")) / (count("killed") + count("survived"));

for (const { mutant, fate } of fates) if (fate === "survived") console.log(`[Survived] ${mutant.name}`);
console.log(
  `The statement that claims a seat: ${score.toFixed(2)} % of ${count("killed") + count("survived")} mutants killed, ${count("survived")} survived, ${count("invalid")} are no SQL.`,
);
if (score < LEAST_SCORE) process.exitCode = 1;
