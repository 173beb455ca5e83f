// drill: plays to a real application what may happen to its license
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { define, handle, withJson } from "../command.ts";
import { type Drilled, drill } from "../drill/drill.ts";
import { applicationDid, licenseSaid, type Result } from "../drill/findings.ts";
import { junitOf } from "../drill/junit.ts";
import { reportOf } from "../drill/report.ts";
import { parseLadder, readLadder } from "../drill/scenes.ts";
import { EXIT, Failure, redact, usage } from "../failures.ts";
import { type Output, openOutput, saveText } from "../files.ts";
import { listOf, positive, readTextFile } from "../inputs.ts";
import { note, print, printTable, text, write } from "../output.ts";
import { version } from "../version.ts";

interface Options {
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
}

function addressOf(given: string): string {
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
    throw new InvalidArgumentError("Must be an address, such as http://localhost:8000/ready.");
  return given;
}

export function addDrillCommand(program: Command): void {
  withJson(
    define(program, "drill [command...]", "Rehearse the end of a license with a real application", [
      "drill --probe http://localhost:8000/ready -- python app.py",
      "drill --keep-going --report drill.html --junit drill.xml -- node server.js",
      "drill --only grace,end --probe http://localhost:8000/ready -- ./start.sh",
      "drill --print-scenes > scenes.json",
      "drill --scenes scenes.json -- ./nightly-job",
    ]),
  )
    .option("--probe <url>", "2xx here means that it serves; without it, that it runs on or ends with 0")
    .option("--scenes <file>", "play these instead of the built-in ones")
    .option("--print-scenes", "print the built-in scenes and do nothing else")
    .option("--only <names>", "judge these scenes alone, separated by commas; those before are played", listOf)
    .option("--keep-going", "play on after a mistake")
    .option("--strict", "the application stops if nobody can tell (on_indeterminate is deny)")
    .option("--junit <file>", "write the results as JUnit XML")
    .option("--report <file>", "write the results as a page for people")
    .option("--log <file>", "write what the application prints")
    .option("--start-seconds <count>", "how long it may take to start", positive, 30)
    .option("--settle-seconds <count>", "how long it may take to follow the license", positive, 5)
    .action(
      handle<Options>(async ({ options }, ...args) => {
        // Commander gives the words of a variadic argument as one list.
        const command = args.flat();
        if (options.printScenes) return write(readLadder());
        if (command.length === 0)
          throw usage("What is to be drilled?", "remedy: name its command after --, such as -- python app.py");
        const ladder = options.scenes
          ? parseLadder(readTextFile(options.scenes), options.scenes)
          : parseLadder(readLadder(), "The built-in ladder");
        const unknown = (options.only ?? []).filter(
          (name) => !ladder.scenes.some((scene) => scene.name === name),
        );
        if (unknown.length > 0) throw usage(`There is no scene ${unknown.join(", ")}.`);
        // Before anything is played: a report that cannot be written is known at once.
        const [junit, report, log] = [options.junit, options.report, options.log].map((path) =>
          path === undefined ? null : openOutput(path),
        );
        const folder = mkdtempSync(join(tmpdir(), "caio-license-drill-"));
        const remove = (): void => rmSync(folder, { recursive: true, force: true });
        process.on("exit", remove);
        try {
          const drilled = await drill({
            folder,
            command,
            ladder,
            only: options.only ?? null,
            isStopping: !options.keepGoing,
            probe: options.probe === undefined ? null : probeOf(options.probe),
            isStrict: options.strict ?? false,
            patience: { start: options.startSeconds, settle: options.settleSeconds },
            told: (result) => options.json || tell(result),
          });
          await writeAll(drilled, command, { junit, report, log });
          finish(drilled, options.json ?? false);
        } finally {
          process.off("exit", remove);
          remove();
        }
      }),
    );
}

const probeOf = (given: string): string => {
  try {
    return addressOf(given);
  } catch (error) {
    throw usage((error as Error).message);
  }
};

const tell = ({ scene, mistakes }: Result): void =>
  note(`${mistakes.length === 0 ? "ok " : "NOT"} ${scene.name}: ${mistakes.join("; ") || scene.about}`);

async function writeAll(
  drilled: Drilled,
  command: string[],
  { junit, report, log }: Record<"junit" | "report" | "log", Output | null | undefined>,
): Promise<void> {
  const shown = redact(command.join(" "));
  const results = drilled.results.map((result) => ({ ...result, output: redact(result.output) }));
  if (junit) await saveText(junitOf(results, shown), junit);
  if (report) await saveText(reportOf({ ...drilled, results, command: shown, version: version() }), report);
  if (log) await saveText(redact(drilled.output), log);
}

function finish({ results, scenes }: Drilled, asJson: boolean): void {
  const failed = results.filter(({ mistakes }) => mistakes.length > 0);
  if (asJson)
    print(
      JSON.stringify({
        passed: failed.length === 0,
        scenes: results.map(({ scene, at, license, observed, mistakes }) => ({
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
        })),
      }),
    );
  else
    printTable(results, [
      ["scene", ({ scene }) => text(scene.name)],
      ["the license said", ({ license }) => text(licenseSaid(license))],
      ["the application", ({ observed }) => text(applicationDid(observed))],
      ["", ({ mistakes }) => (mistakes.length === 0 ? "passed" : text(mistakes.join("; ")))],
    ]);
  if (failed.length === 0) return;
  const mistakes = [...new Set(failed.flatMap((result) => result.mistakes))];
  const open = scenes - results.length;
  throw new Failure(EXIT.unexpected, `${failed.length} of ${results.length} scenes are not passed.`, [
    ...mistakes.map((mistake) => `the application ${mistake}`),
    ...(open > 0 ? [`${open} more scenes were not played: --keep-going plays them.`] : []),
  ]);
}
