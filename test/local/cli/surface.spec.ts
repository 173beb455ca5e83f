import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../../src/cli/program.ts";
import { caioLicense, LAUNCHER, run } from "../support/cli.ts";
import { isHere } from "../support/everything.ts";

const program = createProgram();

/** Every command that does something, by its words. */
function leaves(command: Command, words: string[] = []): [string, Command][] {
  const below = command.commands.filter((child) => child.name() !== "complete" && child.name() !== "help");
  return below.length === 0
    ? [[words.join(" "), command]]
    : below.flatMap((child) => leaves(child, [...words, child.name()]));
}

const COMMANDS = leaves(program);
const KNOWN = new Set(COMMANDS.map(([words]) => words));

/** What a line of an example calls: its words up to the first that is no command's. */
function called(line: string): string {
  const words = line.trim().split(/\s+/);
  const two = words.slice(0, 2).join(" ");
  return KNOWN.has(two) ? two : (words[0] ?? "");
}

function helpOf(command: Command): string {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help;
}

describe("help", () => {
  it.each(COMMANDS)("%s has examples of itself, and only options that there are", (words, command) => {
    const [, examples = ""] = helpOf(command).split("\nExamples:\n");
    const lines = examples.split("\n").filter((line) => line.includes(`caio-license ${words}`));
    expect(lines.length, examples).toBeGreaterThan(0);
    const known = new Set(["--profile", ...command.options.flatMap(({ long }) => (long ? [long] : []))]);
    for (const line of lines) {
      const [own = ""] = line.slice(line.indexOf(`caio-license ${words}`)).split(" | ");
      for (const option of own.match(/(?<= )--[a-z][a-z-]*/g) ?? []) expect(known, line).toContain(option);
    }
  });

  it("tells the exit codes", () => {
    expect(helpOf(program)).toMatch(
      /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 .*\n {2}5 .*\n {2}6 /,
    );
  });
});

describe("docs/cli.md", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/cli.md"), "utf8");
  const calls = [...docs.matchAll(/(?<![./\w-])caio-license ((?!-)[a-z][a-z-]*(?: [a-z][a-z-]*)?)/g)].map(
    ([, line]) => called(line!),
  );

  it("names every command", () => {
    expect([...KNOWN].filter((words) => !calls.includes(words))).toEqual([]);
  });

  it("names no command that there is not", () => {
    const lines = [...docs.matchAll(/^(?:\$ )?caio-license .*$/gm)].map(([line]) => line);
    expect(lines.length).toBeGreaterThan(30);
    expect(calls.filter((words) => !KNOWN.has(words))).toEqual([]);
  });
});

describe("docs/operations", () => {
  const folder = join(import.meta.dirname, "../../../docs/operations");
  const optionsOf = new Map(
    COMMANDS.map(([words, { options }]) => [words, new Set(options.flatMap(({ long }) => long ?? []))]),
  );
  const uses = readdirSync(folder).flatMap((page) =>
    [
      ...readFileSync(join(folder, page), "utf8").matchAll(/(?<![./\w-])caio-license ((?!-)[a-z][^|`\n]*)/g),
    ].map(([, line]): [string, string] => [page, line!.split("#")[0]!.trim()]),
  );

  it("has commands to check", () => expect(uses.length).toBeGreaterThan(40));

  it.each(uses)("%s: caio-license %s", (_, line) => {
    expect(KNOWN, line).toContain(called(line));
    for (const option of line.match(/(?<= )--[a-z][a-z-]*/g) ?? [])
      expect([...optionsOf.get(called(line))!, "--help"], line).toContain(option);
  });
});

/** A folder with the command in it, as an installed one would be found on the path. */
async function withCommand<T>(work: (folder: string, env: Record<string, string>) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "caio-license-completion-"));
  symlinkSync(LAUNCHER, join(folder, "caio-license"));
  const env = { PATH: `${folder}:${process.env["PATH"]}`, XDG_CONFIG_HOME: folder };
  try {
    return await work(folder, env);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SHELLS = ["bash", "zsh", "fish"] as const;
const isThere = (shell: string): boolean =>
  isHere(
    ["/bin", "/usr/bin"].some((folder) => existsSync(join(folder, shell))),
    `There is no ${shell}.`,
  );

describe("completion", () => {
  it.each(SHELLS)("prints a script for %s", async (shell) => {
    const { code, out } = await caioLicense(["completion", shell]);
    expect(code).toBe(0);
    expect(out).toContain("caio-license complete --");
    if (!isThere(shell)) return;
    await withCommand(async (folder) => {
      // From a file: Node's standard input is a socket, which fish does not read.
      const script = join(folder, `completion.${shell}`);
      writeFileSync(script, out);
      expect(await run(shell, ["-n", script])).toEqual({ code: 0, out: "", err: "" });
    });
  });

  it("offers commands, options, choices, profiles and files", async () => {
    await withCommand(async (_, env) => {
      const complete = async (...words: string[]): Promise<string[]> =>
        (await caioLicense(["complete", "--", ...words], { env })).out
          .trimEnd()
          .split("\n")
          .map((line) => line.split("\t")[0]!);
      expect(await complete("lic")).toEqual(["licenses"]);
      expect(await complete("licenses", "re")).toEqual([
        "refusals",
        "renew",
        "reinstate",
        "revoke",
        "reissue",
      ]);
      expect(await complete("licenses", "renew", "lic_1", "--")).toEqual(
        expect.arrayContaining(["--days", "--expires", "--dry-run", "--json", "--profile"]),
      );
      expect(await complete("licenses", "list", "--standing", "exp")).toEqual(["expiring", "expired"]);
      expect(await complete("--profile", "x", "import", "c")).toEqual(["customers"]);
      expect(await complete("import", "customers", "")).toEqual([":files"]);
      expect(await complete("export", "--output", "")).toEqual([":files"]);
      expect(await complete("whoami", "--profile", "")).toEqual([""]);
    });
  });

  it.runIf(isThere("bash"))("completes in bash", async () => {
    await withCommand(async (folder, env) => {
      writeFileSync(join(folder, "customers.csv"), "");
      const script = `
        source <(caio-license completion bash)
        try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _caio_license 2>/dev/null; echo "\${COMPREPLY[*]}"; }
        try caio-license instances ""
        try caio-license import customers cust`;
      const { out } = await run("bash", ["-c", script], { env, cwd: folder });
      expect(out).toBe("list count versions show free clear-clone help\ncustomers.csv\n");
    });
  });

  it.runIf(isThere("fish"))("completes in fish", async () => {
    await withCommand(async (folder, env) => {
      writeFileSync(join(folder, "customers.csv"), "");
      const script = `
        caio-license completion fish | source
        complete -C "caio-license licenses re"
        complete -C "caio-license import customers cust"`;
      const { out } = await run("fish", ["-c", script], { env, cwd: folder });
      const words = out.split("\n").map((line) => line.split("\t")[0]);
      expect(words).toEqual(["refusals", "reinstate", "reissue", "renew", "revoke", "customers.csv", ""]);
    });
  });

  it.runIf(isThere("zsh"))("completes in zsh", { timeout: 30_000 }, async () => {
    await withCommand(async (folder, env) => {
      // As at a terminal: only there does zsh complete.
      const script = `
        zmodload zsh/zpty
        zpty terminal zsh -f -i
        zpty -w terminal 'autoload -Uz compinit; compinit -u -D; source <(caio-license completion zsh); echo $((40 + 2))-ready'
        zpty -r terminal seen '*42-ready*'
        zpty -w -n terminal $'caio-license licenses re\t\t'
        zpty -r terminal seen '*Revoke a license*'
        print -r -- $seen`;
      const { out } = await run("zsh", ["-f", "-c", script], { env: { ...env, TERM: "dumb" }, cwd: folder });
      for (const command of ["reinstate", "reissue", "renew", "revoke"]) expect(out).toContain(command);
    });
  });
});
