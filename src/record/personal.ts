// What an event keeps of a row that may say something about a person. The record cannot forget, so it holds ids and the
// names of such members, and never a value.

/** Members of customers and licenses that hold what staff typed about a customer. */
export const PERSONAL: ReadonlySet<string> = new Set([
  "name",
  "email",
  "company",
  "metadata",
  "notes",
  "tags",
]);

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);

/** The row without personal members, and without what only the search needs. */
export const recordable = (row: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !PERSONAL.has(name) && name !== "terms_at"));

/** What an event says of a new row: the row, and the names of the personal members that have a value. */
export const recordableRow = (row: object) => ({
  after: recordable(row),
  members: Object.entries(row).flatMap(([name, value]) =>
    PERSONAL.has(name) && !isEmpty(value) ? [name] : [],
  ),
});

/** Changes, or what was asked for: of a personal member, only that it changed. */
export const recordableChanges = (changes: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, PERSONAL.has(name) ? {} : value]));

/**
 * SQL: whether the event `e` holds values about a person, as events of before this rule do: of members of rows, or of
 * where an installation ran or a mail went.
 */
export const HOLDS_VALUES = `(e.ip IS NOT NULL AND e.actor_type <> 'staff' OR EXISTS (
  SELECT 1 FROM json_tree(e.detail) t
  WHERE t.atom IS NOT NULL AND (t.fullkey IN ('$.to', '$.hostname') OR ${[...PERSONAL]
    .map((name) => `t.fullkey || '.' GLOB '*.${name}[.[]*'`)
    .join(" OR ")})))`;

/** What a customer is called who was erased. */
export const ERASED = "Erased";
