// What the command does with its options: plays, writes its files, prints, and ends with the right code.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, Failure, redact, usage } from "../failures.ts";
import { type Output, openOutput, saveText } from "../files.ts";
import { readTextFile } from "../inputs.ts";
import { note, print, printTable, text, write } from "../output.ts";
import { version } from "../version.ts";
import { type Drilled, drill } from "./drill.ts";
import { applicationDid, licenseSaid, mistakesIn, notPassed, type Result } from "./findings.ts";
import { junitOf } from "./junit.ts";
import { reportOf } from "./report.ts";
import { parseLadder, readLadder } from "./scenes.ts";

export interface DrillOptions {
  probe?: string;
  scenes?: string;
  printScenes?: boolean;
  only?: string[];
  keepGoing?: boolean;
  junit?: string;
  report?: string;
  log?: string;
  strict?: boolean;
  startSeconds: number;
  settleSeconds: number;
  json?: boolean;
}

/** @throws Failure also where the application did not pass */
export async function play(options: DrillOptions, command: string[]): Promise<void> {
  const { probe, scenes, only = null, json: asJson = false } = options;
  if (options.printScenes) return write(readLadder());
  if (command.length === 0)
    throw usage("What is to be drilled?", "remedy: name its command after --, such as -- python app.py");
  if (probe !== undefined && !(URL.canParse(probe) && /^https?:$/.test(new URL(probe).protocol)))
    throw usage("--probe is an address, such as http://localhost:8000/ready.");
  const ladder = scenes
    ? parseLadder(readTextFile(scenes), scenes)
    : parseLadder(readLadder(), "The built-in ladder");
  const unknown = (only ?? []).filter((name) => !ladder.scenes.some((scene) => scene.name === name));
  if (unknown.length > 0) throw usage(`There is no scene ${unknown.join(", ")}.`);
  // Before anything is played: what cannot be written is known at once.
  const files = {
    junit: placeOf(options.junit),
    report: placeOf(options.report),
    log: placeOf(options.log),
  };
  const folder = mkdtempSync(join(tmpdir(), "caio-license-drill-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  try {
    const drilled = await drill({
      folder,
      command,
      ladder,
      only,
      isStopping: !options.keepGoing,
      probe: probe ?? null,
      isStrict: options.strict ?? false,
      patience: { start: options.startSeconds, settle: options.settleSeconds },
      told: (result) => (asJson ? undefined : tell(result)),
    });
    await writeAll(drilled, command, files);
    finish(drilled, asJson);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

const placeOf = (path: string | undefined): Output | null => (path === undefined ? null : openOutput(path));

const tell = ({ scene, mistakes }: Result): void =>
  note(`${mistakes.length === 0 ? "ok " : "NOT"} ${scene.name}: ${mistakes.join("; ") || scene.about}`);

async function writeAll(
  drilled: Drilled,
  command: string[],
  { junit, report, log }: Record<"junit" | "report" | "log", Output | null>,
): Promise<void> {
  // An application may print what it should not.
  const shown = redact(command.join(" "));
  const results = drilled.results.map((result) => ({ ...result, output: redact(result.output) }));
  if (junit) await saveText(junitOf(results, shown), junit);
  if (report) await saveText(reportOf({ ...drilled, results, command: shown, version: version() }), report);
  if (log) await saveText(redact(drilled.output), log);
}

/** @throws Failure if a scene is not passed */
function finish({ results, scenes }: Drilled, asJson: boolean): void {
  const failed = notPassed(results);
  if (asJson) print(JSON.stringify({ passed: failed.length === 0, scenes: results.map(asMembers) }));
  else
    printTable(results, [
      ["scene", ({ scene }) => text(scene.name)],
      ["the license said", ({ license }) => text(licenseSaid(license))],
      ["the application", ({ observed }) => text(applicationDid(observed))],
      ["", ({ mistakes }) => (mistakes.length === 0 ? "passed" : text(mistakes.join("; ")))],
    ]);
  if (failed.length === 0) return;
  const open = scenes - results.length;
  throw new Failure(EXIT.unexpected, `${failed.length} of ${results.length} scenes are not passed.`, [
    ...mistakesIn(failed).map((mistake) => `the application ${mistake}`),
    ...(open > 0 ? [`${open} more scenes were not played: --keep-going plays them.`] : []),
  ]);
}

const asMembers = ({ scene, at, license, observed, mistakes }: Result) => ({
  name: scene.name,
  at: new Date(at).toISOString(),
  license: {
    state: license.state,
    code: license.code,
    may_run: license.mayRun,
    warnings: license.warnings,
  },
  application: observed.did,
  exited: observed.exited,
  mistakes,
});
