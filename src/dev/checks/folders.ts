// The check that no folder of the sources grows too large: a reader finds a file by looking at its neighbors.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../command.ts";

const MOST = 16;

/** Packages with their own ecosystem's layout, and files for the browser. */
const APART = new Set(["clients", "assets"]);

/** Folders with too many files, each with the number. */
function crowded(root: string, folder: string): [folder: string, files: number][] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const files = entries.filter((entry) => entry.isFile()).length;
  return [
    ...(files > MOST ? [[folder, files] as [string, number]] : []),
    ...entries
      .filter((entry) => entry.isDirectory() && !APART.has(entry.name))
      .flatMap((entry) => crowded(root, `${folder}/${entry.name}`)),
  ];
}

/** @throws CommandError if a folder in `src` of the project at `root` holds too many files */
export function checkFolders(root: string): void {
  const found = crowded(root, "src").map(([folder, files]) => `${folder} has ${files} files`);
  if (found.length > 0)
    throw new CommandError(
      `${found.join(", ")}; at most ${MOST} are allowed. Give those that belong together a folder.`,
    );
}
