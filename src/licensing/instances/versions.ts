// The order of versions (Semantic Versioning 2.0.0, section 11). Pure.

interface Version {
  /** Major, minor, patch: digits without leading zeros, of any length. */
  numbers: string[];
  /** The identifiers of a prerelease; none for a release. */
  prerelease: string[];
}

const IDENTIFIER = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";

/** The pattern of semver.org, with the v that many write in front. Builds (+…) have no order. */
const VERSION = new RegExp(
  `^v?(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

/** A semantic version, or null for any other text. */
export function versionOf(text: string): Version | null {
  const [found, major, minor, patch, prerelease] = VERSION.exec(text) ?? [];
  if (found === undefined) return null;
  return { numbers: [major!, minor!, patch!], prerelease: prerelease?.split(".") ?? [] };
}

const isNumber = (identifier: string): boolean => /^\d+$/.test(identifier);

/** Without leading zeros, the longer number is the larger one. */
const byNumber = (a: string, b: string): number => a.length - b.length || byText(a, b);

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byIdentifier(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return byNumber(a, b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return byText(a, b);
}

/** Negative if `a` comes before `b`, 0 if neither does. */
export function compareVersions(a: Version, b: Version): number {
  for (const [n, number] of a.numbers.entries()) {
    const order = byNumber(number, b.numbers[n]!);
    if (order !== 0) return order;
  }
  // A prerelease comes before its release.
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return b.prerelease.length - a.prerelease.length;
  for (const [n, identifier] of a.prerelease.entries()) {
    const other = b.prerelease[n];
    if (other === undefined) return 1;
    const order = byIdentifier(identifier, other);
    if (order !== 0) return order;
  }
  return a.prerelease.length - b.prerelease.length;
}
