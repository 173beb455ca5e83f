// What is wrong with a member, in words for the person who sent it: in a form, a file or a program's request.
// zod/mini has no messages, and zod's English ones are for programmers ("expected string to have >=1 characters").
import * as z from "zod/mini";

const FORMATS: Record<string, string> = {
  email: "an e-mail address",
  url: "a URL",
  date: "a day such as 2026-12-31",
  datetime: "a time such as 2026-12-31T00:00:00Z",
};

const TYPES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** "at least 3 characters", "at most 10". */
const bound = (word: string, origin: string, limit: number | bigint): string =>
  origin === "string"
    ? `have ${word} ${limit} ${limit === 1 ? "character" : "characters"}`
    : origin === "array"
      ? `have ${word} ${limit} ${limit === 1 ? "item" : "items"}`
      : `be ${word} ${limit}`;

function wordsFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "Is missing" : `Must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `Must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "too_small":
      return issue.origin === "string" && issue.minimum === 1
        ? "Must not be empty"
        : `Must ${bound("at least", issue.origin, issue.minimum)}`;
    case "too_big":
      return `Must ${bound("at most", issue.origin, issue.maximum)}`;
    case "invalid_format":
      return `Must be ${FORMATS[issue.format] ?? "written as the API describes it"}`;
    case "not_multiple_of":
      return `Must be a multiple of ${issue.divisor}`;
    default:
      return undefined;
  }
}

z.config({ localeError: wordsFor });
