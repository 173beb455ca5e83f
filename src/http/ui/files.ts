// Files that a person chose in a form.
import { NotText, textIn } from "../../field/files.ts";
import { invalid } from "../../problems.ts";
import type { Entry } from "./entry.ts";

/** The file, or the text pasted in its place. @throws Problem REQUEST_INVALID for a file that is not in UTF-8 */
export async function fileOrText(entry: Entry, file: string, text = file): Promise<string | undefined> {
  const chosen = entry.file(file);
  if (!chosen) return entry.text(text);
  try {
    return textIn(new Uint8Array(await chosen.arrayBuffer()));
  } catch (error) {
    if (!(error instanceof NotText)) throw error;
    throw invalid(file, `The file ${error.message}`);
  }
}
