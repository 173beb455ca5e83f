// Where a chart is cut, so that one odd day does not make all others flat. Pure.

/** A bar is far above all others if it is more than this often as high as the next lower one. */
const FAR = 4;

/** So few bars are the odd ones, at most: of many, each tells something. */
const FEW = 3;

/**
 * The height at which bars are cut; null if none is far above the others.
 * @param limit a line that must stay in the chart
 */
export function cutAt(values: number[], limit: number | null): number | null {
  const sorted = values.filter((value) => value > 0).toSorted((a, b) => b - a);
  for (let odd = Math.min(FEW, Math.floor(sorted.length / 4)); odd > 0; odd--) {
    const usual = Math.max(sorted[odd]!, limit ?? 0);
    if (sorted[odd - 1]! > FAR * usual) return Math.ceil(usual * 1.2);
  }
  return null;
}
