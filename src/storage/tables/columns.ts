// Columns that several tables have.
import { text } from "drizzle-orm/sqlite-core";

/** A value kept as JSON. */
export const json = <T>() => text({ mode: "json" }).$type<T>();
