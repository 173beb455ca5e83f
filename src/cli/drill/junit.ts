// The results as JUnit XML, which CI systems show. Pure.
import { applicationDid, licenseSaid, notPassed, type Result } from "./findings.ts";

/** What XML 1.0 cannot hold. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\p{Cs}]/gu;

const ENTITIES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** For texts and for values in quotes, in XML and in HTML. */
export const escaped = (text: string): string =>
  text.replace(FORBIDDEN, "\uFFFD").replace(/[&<>"']/g, (sign) => ENTITIES.get(sign) ?? "");

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

export function junitOf(results: readonly Result[], command: string): string {
  const failures = notPassed(results).length;
  const took = results.reduce((sum, result) => sum + result.took, 0);
  const counts = `tests="${results.length}" failures="${failures}" errors="0" time="${seconds(took)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="caio-license drill" ${counts}>`,
    `    <properties><property name="command" value="${escaped(command)}"/></properties>`,
    ...results.map(caseOf),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseOf({ scene, license, observed, mistakes, took, output }: Result): string {
  const head = `    <testcase classname="drill" name="${escaped(scene.name)}" time="${seconds(took)}"`;
  if (mistakes.length === 0) return `${head}/>`;
  const told = `${scene.about}\nThe license: ${licenseSaid(license)}.\nThe application: ${applicationDid(observed)}.`;
  return [
    `${head}>`,
    `      <failure type="drill" message="${escaped(mistakes.join("; "))}">${escaped(told)}</failure>`,
    `      <system-out>${escaped(output)}</system-out>`,
    "    </testcase>",
  ].join("\n");
}
