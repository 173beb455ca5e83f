// drill: plays to a real application what may happen to its license
import type { Command } from "commander";
import { define, handle, withJson } from "../command.ts";
import type { DrillOptions } from "../drill/play.ts";
import { listOf, positive } from "../inputs.ts";

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
    .option(
      "--only <names>",
      "judge these scenes alone, separated by commas; those before are played",
      listOf,
    )
    .option("--keep-going", "play on after a mistake")
    .option("--strict", "the application stops if nobody can tell (on_indeterminate is deny)")
    .option("--junit <file>", "write the results as JUnit XML")
    .option("--report <file>", "write the results as a page for people")
    .option("--log <file>", "write what the application prints")
    .option("--start-seconds <count>", "how long it may take to start", positive, 30)
    .option("--settle-seconds <count>", "how long it may take to follow the license", positive, 5)
    .action(
      handle<DrillOptions>(async ({ options }, ...words) => {
        // Late, because no other command needs any of it.
        const { play } = await import("../drill/play.ts");
        // Commander gives the words of a variadic argument as one list.
        await play(options, words.flat());
      }),
    );
}
