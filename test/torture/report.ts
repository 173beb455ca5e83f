// What the parts found, as a table.

export interface Part {
  name: string;
  figures: Record<string, number | string>;
  /** What must not be, in words; none where all is well. */
  faults: string[];
}

const WIDTH = 38;

export function tableOf(parts: (Part & { seconds: number })[]): string {
  const lines = [`${"part".padEnd(14)}${"what".padEnd(WIDTH)}how many`];
  for (const { name, figures, faults, seconds } of parts) {
    const rows = Object.entries({ ...figures, seconds: Math.round(seconds) });
    rows.forEach(([what, value], n) => {
      lines.push(`${(n === 0 ? name : "").padEnd(14)}${what.padEnd(WIDTH)}${String(value)}`);
    });
    lines.push(`${"".padEnd(14)}${"found wrong".padEnd(WIDTH)}${faults.length}`);
  }
  return lines.join("\n");
}
