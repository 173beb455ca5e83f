// A file that a caller sends, as a sheet: CSV or JSON.
import { NotText, textIn } from "../field/files.ts";
import { readCsv, type Sheet, sheetOf } from "../licensing/sheets/sheets.ts";
import { invalid, Problem, requestInvalid } from "../problems.ts";
import { type Http, JSON_TYPE } from "./http.ts";

// The first row shows what separates the cells.
const CSV_TYPE = /^text\/(?:csv|tab-separated-values)\s*(?:;|$)/i;

/** The largest file in bytes. */
export const MAX_UPLOAD = 5 * 1024 * 1024;

/**
 * The body of a request.
 * @throws Problem UNSUPPORTED_MEDIA_TYPE
 * @throws Problem REQUEST_INVALID if it is not what its media type says, in UTF-8
 */
export async function readSheet(http: Http): Promise<Sheet> {
  const type = http.req.header("content-type") ?? "";
  const isCsv = CSV_TYPE.test(type);
  if (!isCsv && !JSON_TYPE.test(type)) {
    throw new Problem(
      "UNSUPPORTED_MEDIA_TYPE",
      "An import is text/csv, text/tab-separated-values, or application/json. Save a workbook as CSV in UTF-8.",
    );
  }
  return parseSheet(await http.req.arrayBuffer(), isCsv);
}

/**
 * A file of a form, recognized by its name: browsers take the media type from the installed programs, and name CSV
 * after a spreadsheet program or not at all.
 * @throws Problem REQUEST_INVALID if it is neither CSV nor JSON, in UTF-8
 */
export async function sheetIn(file: File): Promise<Sheet> {
  const format = /\.(csv|tsv|txt|json)$/i.exec(file.name)?.[1]?.toLowerCase();
  if (format === undefined) {
    // What it is says more than its name.
    textOf(await file.arrayBuffer());
    throw invalid("file", "The name of the file must end in .csv, .tsv, .txt, or .json");
  }
  return parseSheet(await file.arrayBuffer(), format !== "json");
}

function textOf(bytes: ArrayBuffer): string {
  try {
    return textIn(new Uint8Array(bytes));
  } catch (error) {
    if (!(error instanceof NotText)) throw error;
    throw requestInvalid([{ path: "", message: `The file ${error.message}` }]);
  }
}

function parseSheet(bytes: ArrayBuffer, isCsv: boolean): Sheet {
  const text = textOf(bytes);
  return isCsv ? readCsv(text) : sheetOf(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw requestInvalid([{ path: "", message: "The file is not JSON" }]);
  }
}
