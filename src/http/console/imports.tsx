// /admin/imports: customers or licenses from a file, with a check first if asked for.
import type { FC } from "hono/jsx";
import { importCustomers, importLicenses } from "../../licensing/sheets/imports.ts";
import { MAX_ROWS } from "../../licensing/sheets/sheets.ts";
import { invalid, type Problem } from "../../problems.ts";
import { MAX_BODY } from "../body-limit.ts";
import { MAX_UPLOAD, sheetIn } from "../uploads.ts";
import type { Entry } from "../ui/entry.ts";
import { Heading } from "../ui/heading.tsx";
import type { Form, Inquiry, View } from "./mount.tsx";
import { Choices, Field, PostForm } from "../ui/form.tsx";
import { formatCount, plural, Table } from "../ui/show.tsx";
import type { Visit } from "./visit.ts";

const PATH = "/admin/imports";

const KINDS = { customers: importCustomers, licenses: importLicenses };

type Result = Awaited<ReturnType<typeof importCustomers>> & { customers_created?: number };

/** What a file would do, or did. */
interface Outcome extends Result {
  kind: keyof typeof KINDS;
}

async function carryOut({ context }: Visit, entry: Entry, dryRun: boolean): Promise<Outcome> {
  const kind = entry.text("kind");
  if (kind !== "customers" && kind !== "licenses") throw invalid("kind", "Choose what the file contains");
  const file = entry.file("file");
  if (!file) throw invalid("file", "Choose a file");
  return { kind, ...(await KINDS[kind](context, await sheetIn(file), dryRun)) };
}

const Counts: FC<Outcome> = ({ kind, rows, created, customers_created: brought = 0, dry_run: dryRun }) => (
  <>
    {plural(rows, "row")} read: {plural(created, kind.slice(0, -1))}
    {brought > 0 ? ` and ${plural(brought, "customer")} that came with them` : ""}{" "}
    {dryRun ? "would be imported." : "imported."}
  </>
);

const ROW = /^rows\.(\d+)(?:\.(.*))?$/s;

/** The faults of a file, by row and column. */
const Faults: FC<{ problem: Problem }> = ({ problem }) => (
  <div class="note stop" role="alert">
    <p>
      <strong>
        Nothing was imported: the file has {plural(problem.extras.errors?.length ?? 0, "fault")}.
      </strong>
    </p>
    <Table
      caption="Faults by row and column"
      rows={problem.extras.errors ?? []}
      empty=""
      columns={[
        { label: "Row", cell: ({ path }) => ROW.exec(path)?.[1] },
        { label: "Column", cell: ({ path }) => <code>{ROW.exec(path)?.[2] ?? "(all)"}</code> },
        { label: "What is wrong", main: true, cell: ({ message }) => message },
      ]}
    />
    <p class="hint">
      CSV rows are numbered as in a spreadsheet, where the header is row 1; JSON rows are numbered from 0.
    </p>
  </div>
);

function page(visit: Visit, entry: Entry, checked: Outcome | null = null): View {
  const { problem } = entry;
  const inFile = problem?.extras.errors?.some(({ path }) => ROW.test(path)) ? problem : null;
  return {
    title: "Import",
    section: "licenses",
    body: (
      <>
        <Heading
          trail={[["/admin/licenses", "Licenses"]]}
          title="Import"
          lead="All rows of a file are imported, or none. A check writes nothing and lists every fault."
        />
        {checked ? (
          <p class="note good" role="status">
            <strong>No faults.</strong> <Counts {...checked} /> Nothing is written yet: choose the file again
            and import it.
          </p>
        ) : null}
        {inFile ? <Faults problem={inFile} /> : null}
        <section class="card narrow">
          <PostForm visit={visit} {...(inFile ? {} : { entry })} action={PATH} files>
            <Choices
              entry={entry}
              name="kind"
              legend="The file contains"
              options={[
                ["customers", "Customers"],
                ["licenses", "Licenses"],
              ]}
              value="customers"
            />
            <Field
              entry={entry}
              name="file"
              label="File"
              type="file"
              accept=".csv,.tsv,.txt,.json,text/csv,text/tab-separated-values,application/json"
              hint={`CSV with a header, or JSON: up to ${MAX_UPLOAD / 1024 / 1024} MiB and ${formatCount(MAX_ROWS)} rows, in UTF-8.`}
              required
            />
            <div class="submit">
              {/* First, because the Enter key presses the first button: it only checks. */}
              <button class={checked ? "" : "primary"} formaction={`${PATH}/check`}>
                Check
              </button>
              <button class={checked ? "primary" : ""}>Import</button>
            </div>
          </PostForm>
          <p class="hint">
            A row of licenses with an id restores the license as it was{" "}
            <a href="/admin/exports/licenses">exported</a>; one without an id issues a license.
          </p>
        </section>
      </>
    ),
  };
}

/** The file, and the other fields of the form. */
const maxBytes = MAX_UPLOAD + MAX_BODY;

const check: Inquiry = {
  path: `${PATH}/check`,
  access: "imports",
  maxBytes,
  show: async (visit, entry) => page(visit, entry),
  answer: async (visit, entry) => page(visit, entry, await carryOut(visit, entry, true)),
};

const run: Form = {
  path: PATH,
  access: "imports",
  maxBytes,
  show: async (visit, entry) => page(visit, entry),
  async submit(visit, entry) {
    const outcome = await carryOut(visit, entry, false);
    return {
      title: "Imported",
      section: "licenses",
      body: (
        <>
          <Heading
            trail={[
              ["/admin/licenses", "Licenses"],
              [PATH, "Import"],
            ]}
            title="Imported"
            done={<Counts {...outcome} />}
          />
          <p class="actions">
            <a class="button primary" href={`/admin/${outcome.kind}`}>
              Go to the {outcome.kind}
            </a>
            <a class="button" href={PATH}>
              Import another file
            </a>
          </p>
        </>
      ),
    };
  },
};

export const importDoors = [run, check];
