// The report of a drill: one page, for those who want to see that a product survives its license. Nothing is loaded, and
// nothing in it runs. Pure.
import { applicationDid, licenseSaid, mistakesIn, notPassed, type Result } from "./findings.ts";
import { escaped } from "./junit.ts";

export interface Played {
  command: string;
  version: string;
  /** When the drill began and ended, by the machine's clock, milliseconds. */
  began: number;
  ended: number;
  /** How many scenes there are to play; fewer were, if it ended at the first mistake. */
  scenes: number;
  results: readonly Result[];
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #555; --paper: #fff; --line: #d0d0d0; --good: #1a6b2f; --bad: #a8201a }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #b5b5b5; --paper: #161616; --line: #444; --good: #7fd694; --bad: #ff9a92 } }
body { margin: 2rem auto; max-width: 68rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { width: 100%; border-collapse: collapse } caption { text-align: left; color: var(--soft); padding-bottom: .5rem }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { overflow-wrap: normal } td:first-child { white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 } .soft { color: var(--soft) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .75rem; font-size: .85rem }
@media (max-width: 40rem) { table, tbody, tr, td { display: block } thead { display: none } td { border: 0; padding: .1rem 0 } tr { border-bottom: 1px solid var(--line); padding: .5rem 0 } dl { grid-template-columns: 1fr } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --line: #999; --good: #005c1f; --bad: #8f0f0a } body { margin: 0; max-width: none } tr, pre { break-inside: avoid } thead { display: table-header-group } }
`;

const instant = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

export function reportOf({ command, version, began, ended, scenes, results }: Played): string {
  const failed = notPassed(results);
  const isWhole = results.length === scenes;
  const verdict =
    failed.length > 0
      ? `<span class="bad">Not passed: ${failed.length} of ${results.length} scenes</span>`
      : `<span class="good">Passed: ${results.length} of ${scenes} scenes</span>`;
  const mistakes = mistakesIn(failed);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>License drill</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>License drill</h1>
<p>${verdict}</p>
<dl>
<dt>Application</dt><dd><code>${escaped(command)}</code></dd>
<dt>Played</dt><dd>${instant(began)} to ${instant(ended)}</dd>
<dt>Drill</dt><dd>caio-license ${escaped(version)}${isWhole ? "" : `; ended after ${results.length} of ${scenes} scenes`}</dd>
</dl>
<p>A drill gives an application a license service, a license and a clock of its own, and lets happen in a minute what may
happen to a license in its life. After each scene it compares what the license said with what the application did. Its
documents are signed for the issuer <code>https://drill.invalid</code>, which no production installation believes.</p>
${mistakes.length === 0 ? "" : `<h2>What is wrong</h2>\n<ul>${mistakes.map((one) => `<li>${escaped(one)}</li>`).join("")}</ul>`}
<h2>Scenes</h2>
<table>
<caption>In their order. The day is the drill's.</caption>
<thead><tr><th scope="col">Day</th><th scope="col">What happened</th><th scope="col">The license said</th><th scope="col">The application</th><th scope="col">Verdict</th></tr></thead>
<tbody>
${results.map(row).join("\n")}
</tbody>
</table>
${failed.map(details).join("\n")}
</main>
</body>
</html>
`;
}

function row({ scene, at, license, observed, mistakes }: Result): string {
  const verdict =
    mistakes.length === 0
      ? '<span class="good">as the license says</span>'
      : `<span class="bad">${escaped(mistakes.join("; "))}</span>`;
  const allowed = license.mayRun ? "may run" : "may not run";
  return `<tr><td>${day(at)}</td><td><strong>${escaped(scene.name)}</strong><br>${escaped(scene.about)}</td><td>${allowed}<br><span class="soft">${escaped(licenseSaid(license))}</span></td><td>${escaped(applicationDid(observed))}</td><td>${verdict}</td></tr>`;
}

const details = ({ scene, license, output }: Result): string =>
  `<h2>${escaped(scene.name)}</h2>\n<p>${escaped(license.detail)}</p>\n<p class="soft">The last that the application wrote:</p>\n<pre>${escaped(output || "nothing")}</pre>`;
