import { ulid } from "ulid";
import { beforeEach, describe, expect, it } from "vitest";
import { type Fields, type ShownPage, Visitor } from "../../support/console.ts";
import { admin, newCustomer, rows, unique } from "../../support/service.ts";

const PATH = "/admin/imports";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const csv = (text: string, name = "file.csv", type = "text/csv"): File => new File([text], name, { type });

/** Sends the form by one of its two buttons. */
async function send(button: "check" | "import", kind: string, file?: File, more: Fields = {}) {
  const form = (await owner.get(PATH)).forms.find(({ action }) => action === PATH)!;
  const fields = { ...Object.fromEntries(form.fields), kind, ...(file ? { file } : {}), ...more };
  return owner.post(button === "check" ? `${PATH}/check` : PATH, fields);
}

const customersNamed = (name: string) => rows("SELECT * FROM customers WHERE name = ?", name);

/** The cells of a table, row by row. */
const cellsOf = ({ html }: ShownPage): string[][] =>
  [...html.matchAll(/<tr>(<td.*?)<\/tr>/gs)].map(([, row = ""]) =>
    [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell = ""]) => cell.replaceAll(/<[^>]*>/g, "")),
  );

describe("importing customers", () => {
  it("is checked first, which writes nothing, and then done", async () => {
    const name = unique("Imported");
    const file = () => csv(`name,email\n${name},a@acme.example\n${name},b@acme.example\n`);
    const checked = await send("check", "customers", file());
    expect(checked.status).toBe(200);
    expect(checked.text).toContain("No faults. 2 rows read: 2 customers would be imported.");
    expect(await customersNamed(name)).toEqual([]);

    const done = await send("import", "customers", file());
    expect(done.text).toContain("2 rows read: 2 customers imported.");
    expect(await customersNamed(name)).toHaveLength(2);
  });

  it("is checked and done with the same page, as after a step back in the browser", async () => {
    const name = unique("Back");
    const page = await owner.get(PATH);
    const fields = { kind: "customers", file: csv(`name\n${name}\n`) };
    const own = Object.fromEntries(page.forms.find(({ action }) => action === PATH)!.fields);
    expect((await owner.post(`${PATH}/check`, { ...own, ...fields })).status).toBe(200);
    expect((await owner.submit(page, fields, PATH)).text).toContain("1 customer imported");
  });

  it("is done once, however often the form is sent", async () => {
    const name = unique("Once");
    const page = await owner.get(PATH);
    for (let n = 0; n < 2; n++) {
      const answer = await owner.submit(page, { kind: "customers", file: csv(`name\n${name}\n`) }, PATH);
      expect(answer.text).toContain("1 customer imported");
    }
    expect(await customersNamed(name)).toHaveLength(1);
  });

  it.each(["check", "import"] as const)("names its faults by row and column at %s", async (button) => {
    const name = unique("Faulty");
    const file = csv(`name,email\n${name},\n,b@acme.example\n${name},nobody\n`);
    const page = await send(button, "customers", file);
    expect(page.status).toBe(422);
    expect(page.text).toContain("Nothing was imported: the file has 2 faults.");
    expect(cellsOf(page).map(([row, column]) => [row, column])).toEqual([
      ["3", "name"],
      ["4", "email"],
    ]);
    expect(await customersNamed(name)).toEqual([]);
  });

  it("takes JSON, and CSV by its name whatever the browser calls it", async () => {
    const name = unique("Named");
    const json = csv(JSON.stringify([{ name }]), "list.JSON", "");
    expect((await send("import", "customers", json)).text).toContain("1 customer imported");
    const excel = csv(`name\n${name}\n`, "list.csv", "application/vnd.ms-excel");
    expect((await send("import", "customers", excel)).text).toContain("1 customer imported");
    expect(await customersNamed(name)).toHaveLength(2);
  });

  it("shows what a file brings as text", async () => {
    const page = await send("check", "customers", csv(`name,<script>alert(1)</script>\nAcme,x\n`));
    expect(page.status).toBe(422);
    expect(page.html).not.toContain("<script>alert");
    expect(page.html).toContain("&lt;script&gt;alert(1)");
  });
});

describe("importing licenses", () => {
  it("restores an export, customers included", async () => {
    const id = `lic_${ulid()}`;
    const customer = unique("gone");
    const file = csv(`id,customer_id,license_type\n${id},${customer},standard\n`);
    const page = await send("import", "licenses", file);
    expect(page.text).toContain("1 license and 1 customer that came with them imported.");
    expect((await admin(`/licenses/${id}`)).body.customer_id).toBe(customer);
  });

  it("is refused as a whole for one row", async () => {
    const { id } = await newCustomer();
    const file = csv(`customer_id,license_type\n${id},standard\n${id},unheard-of\n`);
    const page = await send("import", "licenses", file);
    expect(page.status).toBe(422);
    expect(cellsOf(page)).toEqual([["3", "license_type", "There is no license type unheard-of"]]);
    expect(await rows("SELECT * FROM licenses WHERE customer_id = ?", id)).toEqual([]);
  });
});

describe("what is no import", () => {
  it.each([
    ["no file", "customers", undefined, "Choose a file"],
    ["no kind", "", csv("name\nAcme\n"), "Choose what the file contains"],
    ["another kind", "constructor", csv("name\nAcme\n"), "Choose what the file contains"],
    [
      "a file of another sort",
      "customers",
      csv("%PDF", "file.pdf"),
      "must end in .csv, .tsv, .txt, or .json",
    ],
    ["an empty file", "customers", csv(""), "The file is empty"],
    ["no JSON", "customers", csv("{", "file.json"), "The file is not JSON"],
  ])("%s is refused", async (_, kind, file, words) => {
    for (const button of ["check", "import"] as const) {
      const page = await send(button, kind, file);
      expect(page.status).toBe(422);
      expect(page.text).toContain(words);
    }
  });

  it("bytes that are no UTF-8 are refused", async () => {
    const file = new File([new Uint8Array([0x6e, 0xff, 0xfe])], "file.csv");
    expect((await send("import", "customers", file)).text).toContain("The file is not in UTF-8");
  });

  it("a byte order mark is passed over, and UTF-16 is named", async () => {
    expect((await send("check", "customers", csv("\ufeffname\nAda\n"))).text).toContain("1 row read");
    const units = Uint16Array.from("\ufeffname\nAda\n", (character) => character.charCodeAt(0));
    const wide = new File([new Uint8Array(units.buffer)], "file.csv");
    expect((await send("check", "customers", wide)).text).toContain(
      "The file is in UTF-16: save it as UTF-8",
    );
  });

  it("more than 5 MiB is refused", async () => {
    const page = await send("check", "customers", csv(`name\n${"x".repeat(5.2 * 1024 * 1024)}`));
    expect(page.status).toBe(413);
  });
});

it("a viewer neither imports nor checks", async () => {
  const visitor = await Visitor.signInAs("viewer");
  const name = unique("Viewer");
  const own = Object.fromEntries((await visitor.get("/admin/settings")).forms[0]!.fields);
  for (const path of [PATH, `${PATH}/check`]) {
    expect((await visitor.get(path)).status).toBe(403);
    const fields = { ...own, kind: "customers", file: csv(`name\n${name}\n`) };
    expect((await visitor.post(path, fields)).status).toBe(403);
  }
  expect(await customersNamed(name)).toEqual([]);
});

it("takes no form with a forged token", async () => {
  const name = unique("Forged");
  for (const button of ["check", "import"] as const) {
    const forged = { form_token: "A".repeat(43) };
    expect((await send(button, "customers", csv(`name\n${name}\n`), forged)).status).toBe(403);
  }
  expect(await customersNamed(name)).toEqual([]);
});
