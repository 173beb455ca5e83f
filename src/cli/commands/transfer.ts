// export, import: licenses and customers as files
import { extname } from "node:path";
import { Argument, type Command, Option } from "commander";
import { Client, type Upload } from "../client.ts";
import { type Call, define, handle, path, withJson } from "../command.ts";
import { usage } from "../failures.ts";
import { openOutput, printStream } from "../files.ts";
import { namedParameter, readInput, readTextFile } from "../inputs.ts";
import { note, print } from "../output.ts";
import { connection } from "../profiles.ts";
import { startProgress } from "../progress.ts";
import type { Imported } from "../shapes.ts";

const FORMATS = { csv: "text/csv", json: "application/json" } as const;

type Format = keyof typeof FORMATS;

const formats = Object.keys(FORMATS);

interface Export {
  format?: Format;
  customer?: string;
  filter?: Record<string, string>;
  output?: string;
}

interface Import {
  format?: Format;
}

/** The format asked for, or that of the file's name. */
function formatOf(file: string | undefined, chosen: Format | undefined): Format | undefined {
  const extension = file === undefined ? "" : extname(file).slice(1).toLowerCase();
  // "Text" of a spreadsheet is separated by tabs; the service sees that by its first row.
  const named = ["tsv", "txt"].includes(extension) ? "csv" : extension;
  return chosen ?? formats.find((format): format is Format => format === named);
}

async function exportFile({ options }: Call<Export>, kind: string): Promise<void> {
  const { output, customer, filter } = options;
  const format = formatOf(output, options.format) ?? "csv";
  const place = output === undefined ? null : openOutput(output);
  const bytes = await new Client(connection(options.profile)).stream({
    path: path("exports", kind),
    query: { ...filter, format, customer_id: customer },
  });
  if (place === null) return printStream(bytes);
  await place.save(bytes);
  note(`The ${kind === "licenses" ? "licenses and their keys" : kind} are in ${place.path}.`);
}

/** Sends a file, with a progress bar on a terminal. */
async function upload(client: Client, to: string, file: Upload, dryRun: boolean): Promise<string> {
  const progress = await startProgress(file.bytes.length, "bytes sent");
  try {
    return await client.send({
      method: "POST",
      path: to,
      query: { dry_run: dryRun },
      upload: { ...file, onProgress: (sent) => progress.update(sent) },
    });
  } finally {
    progress.stop();
  }
}

function printImported({ dry_run, rows, created, customers_created = 0 }: Imported): void {
  const customers = customers_created > 0 ? `, and ${customers_created} customers with them` : "";
  print(
    dry_run
      ? `The file is good: ${created} of ${rows} rows would be created${customers}. Nothing was written.`
      : `${created} of ${rows} rows were created${customers}.`,
  );
}

async function importFile(call: Call<Import>, kind: string, file: string): Promise<void> {
  const format = formatOf(file, call.options.format);
  if (!format) {
    // A workbook is named as what it is.
    if (file !== "-") readTextFile(file);
    throw usage("Is it CSV or JSON?", "remedy: --format csv or --format json.");
  }
  const bytes = new TextEncoder().encode(await readInput(file));
  const sent = { bytes, type: FORMATS[format] };
  const answer = await upload(call.client(), path("imports", kind), sent, call.options.dryRun === true);
  call.show(answer, printImported);
}

export function addTransferCommands(program: Command): void {
  define(
    program,
    "export",
    "Export licenses with their keys, customers with their contacts, or instances. A file is written whole or not at all.",
    [
      "export > licenses.csv",
      "export --format json --customer acme --output acme.json",
      "export customers --output customers.csv",
      "export instances --customer acme",
      "export licenses --filter standing=grace --filter metadata.crm=4711",
    ],
  )
    .addArgument(
      new Argument("[kind]", "what to export")
        .choices(["licenses", "customers", "instances"])
        .default("licenses"),
    )
    .addOption(
      new Option("--format <format>", "the format (default: from the file's name, or csv)").choices(formats),
    )
    .option("--customer <id>", "of this customer alone")
    .option("--filter <name=value>", "with this filter of the API's list; can be repeated", namedParameter)
    .option("-o, --output <file>", "write to a file that only you can read (default: stdout)")
    .action(handle<Export>((call, kind) => exportFile(call, kind)));

  withJson(
    define(program, "import", "Import customers or licenses from CSV or JSON, all rows or none", [
      "import customers customers.csv --dry-run",
      "import licenses licenses.csv",
      "import licenses - --format json < licenses.json",
    ]),
  )
    .addArgument(new Argument("<kind>", "what the rows are").choices(["customers", "licenses"]))
    .argument("<file>", "the file; - is stdin")
    .addOption(new Option("--format <format>", "the format (default: from the file's name)").choices(formats))
    .option("--dry-run", "check everything on the service, and write nothing")
    .action(handle<Import>((call, kind, file) => importFile(call, kind, file)));
}
