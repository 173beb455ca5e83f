// The version of the command line: the project's.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const version = (): string => {
  const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
};
