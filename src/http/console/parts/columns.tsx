// The columns of a list that a member of staff chose, and the link to choose them.
import type { FC } from "hono/jsx";
import type { Column } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

export type ListName = "licenses" | "customers" | "instances" | "messages";

/** Whether somebody sees the column of a list that has this name. */
export const hasChosen = ({ view }: Pick<Visit, "view">, list: ListName, name: string): boolean =>
  view.columns[list]?.includes(name) ?? false;

/**
 * Those that somebody sees. A chosen one is there on a narrow screen, too, but not on a phone.
 * @param asked extra columns that the filter asks for, chosen or not
 */
export function columnsFor<T>(
  { view }: Pick<Visit, "view">,
  list: ListName,
  columns: Column<T>[],
  asked: string[] = [],
): Column<T>[] {
  const chosen = view.columns[list];
  const isAsked = ({ name = "" }: Column<T>): boolean => asked.includes(name);
  if (chosen === undefined) return columns.filter((column) => column.extra !== true || isAsked(column));
  return columns
    .filter((column) => column.name === undefined || chosen.includes(column.name) || isAsked(column))
    .map(({ spare: _ifRoom, ...column }) => column);
}

/** Leads to the choice, and from there back to what the list shows now. */
export const ColumnsLink: FC<{ list: ListName; query: Record<string, string> }> = ({ list, query }) => (
  <span id="columns" data-results>
    <a
      class="button quiet"
      href={`/admin/settings/columns/${list}?${new URLSearchParams({ back: new URLSearchParams(query).toString() }).toString()}`}
      data-dialog
    >
      Columns
    </a>
  </span>
);
