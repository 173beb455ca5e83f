// Completion in the shell. The scripts ask the program itself, which reads its own tree of commands, so
// that they are always up to date. File names are left to the shell.
import { Argument, type Command, type Option } from "commander";
import { define } from "./command.ts";
import { print } from "./output.ts";
import { readProfiles } from "./profiles.ts";

interface Candidate {
  value: string;
  description: string;
}

/** Instead of candidates: the shell's own completion of files. */
const FILES = ":files";

const SCRIPTS = {
  bash: `# caio-license completion for bash: eval "$(caio-license completion bash)"
_caio_license() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}" found
  found=$(caio-license complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $found == ${FILES} ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$(cut -f 1 <<<"$found")" -- "$current"))
  fi
}
complete -F _caio_license caio-license`,
  zsh: `#compdef caio-license
# caio-license completion for zsh: source <(caio-license completion zsh)
_caio_license() {
  local found line
  local -a candidates
  found=$(caio-license complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ $found == ${FILES} ]]; then
    _files
  else
    for line in \${(f)found}; do
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    done
    _describe caio-license candidates
  fi
}
# Autoloaded from a folder of fpath it is called, sourced it is registered.
if [[ $funcstack[1] == _caio-license ]]; then
  _caio_license
else
  compdef _caio_license caio-license
fi`,
  fish: `# caio-license completion for fish: caio-license completion fish | source
function __caio_license
    set -l found (caio-license complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found" = "${FILES}"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c caio-license -f -a '(__caio_license)'`,
};

type Shell = keyof typeof SCRIPTS;

const takesFile = (name: string): boolean => /\bfile\b/.test(name);

/** A command's own options and those of the commands above it. */
function optionsOf(command: Command): Option[] {
  const above = command.parent ? optionsOf(command.parent) : [];
  return [...command.createHelp().visibleOptions(command), ...above];
}

const choices = (values: readonly string[]): Candidate[] =>
  values.map((value) => ({ value, description: "" }));

function valuesOf(option: Option): Candidate[] | null {
  if (option.long === "--profile") return choices(Object.keys(readProfiles()));
  return takesFile(option.flags) ? null : choices(option.argChoices ?? []);
}

/** The candidates for the last word; null: a file. */
function candidates(program: Command, words: string[]): Candidate[] | null {
  let command = program;
  let position = 0;
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (pending) {
      pending = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => long === word || short === word);
      if (option && !option.isBoolean() && !option.negate) pending = option;
      continue;
    }
    const next = command.commands.find((child) => child.name() === word);
    if (next) command = next;
    else position += 1;
  }
  const current = words.at(-1) ?? "";
  if (pending) return valuesOf(pending);
  if (current.startsWith("-")) {
    return optionsOf(command).flatMap(({ long, description }) =>
      long === undefined ? [] : [{ value: long, description }],
    );
  }
  if (command.commands.length > 0) {
    const visible = command.createHelp().visibleCommands(command);
    return visible.map((child) => ({ value: child.name(), description: child.description() }));
  }
  const argument = command.registeredArguments[position];
  if (argument === undefined) return [];
  return takesFile(argument.name()) ? null : choices(argument.argChoices ?? []);
}

export function addCompletionCommands(program: Command): void {
  define(program, "completion", "Print the script that completes commands in a shell", [
    "completion bash >> ~/.bashrc.d/caio-license",
    "completion zsh > ~/.zfunc/_caio-license",
    "completion fish > ~/.config/fish/completions/caio-license.fish",
  ])
    .addArgument(new Argument("<shell>", "which shell").choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => print(SCRIPTS[shell]));

  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action((words: string[]) => {
      const found = candidates(program, words);
      if (found === null) return print(FILES);
      const begun = found.filter(({ value }) => value.startsWith(words.at(-1) ?? ""));
      if (begun.length > 0)
        print(begun.map(({ value, description }) => `${value}\t${description}`).join("\n"));
    });
}
