// A list that is read in stages: one walk after the other, such as the ids that a search begins and then the names. The
// walks of a page are read together, in one trip, and share its rows.
import type { Context } from "../../context.ts";
import type { Key, List, Page } from "../../kernel/pages.ts";

/** A Drizzle query of rows. */
type Query = Parameters<Context["db"]["orm"]["batch"]>[0][number];

export interface Stage<Row> {
  /** At most `limit` rows after a position, in their order; from the first one if there is no position. */
  after(position: Key | null, limit: number): Query;
  keyOf(row: Row): Key;
  /** Whether a row belongs to the list. An earlier stage may have had it. */
  keep(row: Row): boolean;
}

/** A search passes over rows that it had before or that the other filters leave out. */
const LOOK_AHEAD = 3;

/** @param budget how many rows all stages of a page look at together */
export async function readStages<Row>(
  { db }: Context,
  list: List,
  stages: Stage<Row>[],
  limit: number,
  budget: number,
): Promise<Page<Row>> {
  const [first = 0, ...position] = list.after ?? [];
  const ahead = stages.slice(Number(first));
  const scan = Math.min(LOOK_AHEAD * limit + 1, Math.floor(budget / ahead.length));
  const queries = ahead.map((stage, n) => stage.after(n === 0 && list.after ? position : null, scan));
  const found = (await db.orm.batch(queries as [Query])) as unknown as Row[][];
  const rows: { stage: number; row: Row }[] = [];
  let isEnd = true;
  for (const [n, part] of found.entries()) {
    rows.push(...part.map((row) => ({ stage: Number(first) + n, row })));
    // The next stage begins where this one ends.
    isEnd = part.length < scan;
    if (!isEnd) break;
  }
  const page = await list.page(
    rows,
    isEnd ? rows.length + 1 : rows.length,
    ({ stage, row }) => [stage, ...stages[stage]!.keyOf(row)],
    ({ stage, row }) => stages[stage]!.keep(row),
  );
  return { ...page, data: page.data.map(({ row }) => row) };
}
