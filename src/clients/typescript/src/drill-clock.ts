// The clock of a drill, as CAIO_LICENSE_CLOCK tells it: how far it is from the machine's (+40d, -3h, +1500ms), the instant
// at which it starts, or a file that holds one of these and is read each time, so that a drill can move it.
import { readFileSync } from "node:fs";
import { isInstant, LAST_SECOND } from "./documents.ts";

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How far the clock is from the machine's, in milliseconds; null if the text does not say. */
export function offsetOf(text: string, now: number): number | null {
  const [, sign, count, unit] = /^([+-])(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  const offset =
    unit === undefined
      ? isInstant(text)
        ? Date.parse(text) - now
        : null
      : Number(`${sign}${count}`) * UNITS[unit]!;
  return offset !== null && now + offset >= 0 && now + offset <= LAST_SECOND * 1000 ? offset : null;
}

/** @param told the variable @returns null if it tells no time, and names no file that does */
export function drillClock(told: string): (() => number) | null {
  let text = "";
  let offset: number | null = null;
  const look = (found: string): void => {
    if (found === text) return;
    text = found;
    // A file that is broken for a moment does not move the clock back to the machine's.
    offset = offsetOf(found, Date.now()) ?? offset;
  };
  look(told);
  if (offset !== null) return () => Date.now() + offset!;
  const read = (): void => {
    try {
      look(readFileSync(told, "utf8").trim());
    } catch {
      // As it was.
    }
  };
  read();
  if (offset === null) return null;
  return () => {
    read();
    return Date.now() + offset!;
  };
}
