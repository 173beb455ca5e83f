import { describe, expect, it } from "vitest";
import { csvOf, Faults, MAX_ROWS, readCsv, sheetOf } from "../../../src/licensing/sheets/sheets.ts";
import type { Problem } from "../../../src/problems.ts";

const cells = (csv: string) => readCsv(csv).rows.map((row) => Object.values(row.cells));

/** The Problem that it throws, if any. */
function refusalOf(run: () => unknown): Problem | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Problem;
  }
}

function problemOf(run: () => unknown): Problem {
  const problem = refusalOf(run);
  if (!problem) throw new Error("It was taken");
  return problem;
}

describe("reading CSV", () => {
  it.each([
    ["LF", "a,b\n1,2\n3,4\n"],
    ["CRLF", "a,b\r\n1,2\r\n3,4\r\n"],
    ["CR", "a,b\r1,2\r3,4\r"],
    ["line ends mixed by two programs", "a,b\r\n1,2\n3,4"],
    ["no line end at the end", "a,b\n1,2\n3,4"],
    ["quotes around everything", '"a","b"\r\n"1","2"\r\n"3","4"\r\n'],
    ["space around cells", " a , b \n 1 ,2 \n3, 4\n"],
    ["semicolons in the header", "a;b\r\n1;2\r\n3;4\r\n"],
    ["tabs between cells", "a\tb\r\n1\t2\r\n3\t4\r\n"],
    ["a line that tells the separator", "sep=;\r\na;b\r\n1;2\r\n3;4\r\n"],
    ["a comma told", "sep=,\na,b\n1,2\n3,4\n"],
    ["a tab told, in quotes", '"sep=\t"\r\na\tb\r\n1\t2\r\n3\t4\r\n'],
    ["a bar told", "SEP=|\na|b\n1|2\n3|4\n"],
    ["empty columns at the end", "a,b,,\r\n1,2,,\r\n3,4,,\r\n"],
    ["an empty column between", "a,,b\n1,,2\n3,,4\n"],
    ["empty cells beyond the header", "a,b\n1,2,,\n3,4,\n"],
    ["empty rows and columns at the end", "a;b;\r\n1;2;\r\n3;4;\r\n;;\r\n;;\r\n"],
    ["rows with nothing in them", "a,b\n\n1,2\n,\n3,4\n\n\n"],
  ])("takes %s", (_, csv) => {
    expect(cells(csv)).toEqual([
      ["1", "2"],
      ["3", "4"],
    ]);
  });

  it.each([
    ['"x,y"', "x,y"],
    ['"x ""y"" z"', 'x "y" z'],
    ['"x\r\ny"', "x\r\ny"],
    ['"x;y"', "x;y"],
    ['x"y', 'x"y'],
    ["\u00e9\u{1f511}", "\u00e9\u{1f511}"],
    ["'=1+1", "=1+1"],
    ["'quoted'", "'quoted'"],
    ["'", "'"],
    ["-acme", "-acme"],
  ])("reads %j as %j", (written, read) => {
    expect(cells(`a,b\r\n${written},2\r\n`)).toEqual([[read, "2"]]);
  });

  it("numbers the rows as a spreadsheet does, whatever lines they take", () => {
    expect(readCsv('a,b\n1,"x\ny"\n\n3,4\n').rows.map(({ number }) => number)).toEqual([2, 4]);
  });

  it.each([
    ["nothing", "", [""]],
    ["blank lines", "\n\n", [""]],
    ["a quote that never ends", 'a,b\n1,2\n"3,4\n', ["rows.3"]],
    ["text after a quote", 'a,b\n"1"x,2\n', ["rows.2"]],
    ["a cell too few, as where a file was cut off", "a,b\n1,2\n3", ["rows.3"]],
    ["a cell too many", "a,b\n1,2,3\n4,5\n6\n", ["rows.2", "rows.4"]],
    ["a column twice", "a,b,a\n1,2,3\n", ["rows.1.a"]],
  ])("refuses %s", (_, csv, paths) => {
    const { code, extras } = problemOf(() => readCsv(csv));
    expect([code, extras.errors?.map(({ path }) => path)]).toEqual(["REQUEST_INVALID", paths]);
  });

  it("names a column that has values and no name", () => {
    expect(readCsv("a,,b\n1,x,2\n").header).toEqual(["a", "", "b"]);
  });

  it("reads a comma within a table of semicolons, and a semicolon within one of tabs, as text", () => {
    expect(cells("a;b\n1,5;2\n")).toEqual([["1,5", "2"]]);
    expect(cells("a\tb\n1;5\t2,5\n")).toEqual([["1;5", "2,5"]]);
  });

  it("survives files made to break parsers", () => {
    const size = 1024 * 1024;
    const columns = Array.from({ length: size / 8 }, (_, n) => n.toString(36)).join(",");
    for (const csv of [
      '"'.repeat(size),
      ",".repeat(size),
      `a${",".repeat(size / 2)}\n${"\n".repeat(size / 2)}`,
      `a${",".repeat(size)}\n1${",".repeat(size)}`,
      `a,b\n${'"a" '.repeat(size / 4)}\n`,
      `a,b\n${'"a"x'.repeat(size / 4)}`,
      `a,b\n${'"",'.repeat(size / 3)}`,
      `${columns}\n${columns}`,
    ]) {
      const started = performance.now();
      expect([undefined, "REQUEST_INVALID", "PAYLOAD_TOO_LARGE"]).toContain(
        refusalOf(() => readCsv(csv))?.code,
      );
      expect(performance.now() - started).toBeLessThan(3_000);
    }
  });

  it(`takes ${MAX_ROWS} rows and not one more, blank ones between them or not`, () => {
    const full = `a,b\n${"1,2\n".repeat(MAX_ROWS)}`;
    expect(readCsv(full).rows).toHaveLength(MAX_ROWS);
    for (const csv of [`${full}1,2`, `${full}\n\n1,2\n`, `${full}1,2\n1,2\n`]) {
      expect(problemOf(() => readCsv(csv)).code).toBe("PAYLOAD_TOO_LARGE");
    }
  });
});

describe("writing CSV", () => {
  it("is RFC 4180: CRLF, quotes where they are needed, null as nothing", () => {
    expect(csvOf([["a", 1, null], ['x "y"', "1,5", "x\ny"], []])).toBe(
      'a,1,\r\n"x ""y""","1,5","x\ny"\r\n\r\n',
    );
    expect(csvOf([])).toBe("");
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@"])(
    "puts an apostrophe before %j, which a spreadsheet could take for a formula",
    (cell) => {
      expect(csvOf([[cell, "b"]])).toBe(`"'${cell}",b\r\n`);
    },
  );

  it("leaves numbers alone", () => {
    expect(csvOf([[-1, 0.5, 7]])).toBe("-1,0.5,7\r\n");
  });

  it.each(["=1+1", "'=1+1", "''-", "-acme", "'tis", 'a"b', "a,b", "a\r\nb", "a;b", "'"])(
    "writes %j so that it is read again as it was",
    (cell) => {
      expect(
        cells(
          csvOf([
            ["a", "b"],
            [cell, "x"],
          ]),
        ),
      ).toEqual([[cell, "x"]]);
    },
  );
});

describe("rows of JSON", () => {
  it.each([[[{ a: 1 }, { a: 2 }]], [{ data: [{ a: 1 }, { a: 2 }] }]])("takes %j", (json) => {
    expect(sheetOf(json)).toEqual({
      header: null,
      rows: [
        { number: 0, cells: { a: 1 } },
        { number: 1, cells: { a: 2 } },
      ],
    });
  });

  it.each([
    [null, [""]],
    ["rows", [""]],
    [{}, [""]],
    [{ data: {} }, [""]],
    [{ data: [], next_cursor: null }, [""]],
    [
      [{}, 1, null, []],
      ["rows.1", "rows.2", "rows.3"],
    ],
  ])("refuses %j", (json, paths) => {
    const { code, extras } = problemOf(() => sheetOf(json));
    expect([code, extras.errors?.map(({ path }) => path)]).toEqual(["REQUEST_INVALID", paths]);
  });

  it("refuses more rows than one import takes", () => {
    const { code } = problemOf(() => sheetOf(Array.from({ length: MAX_ROWS + 1 }, () => ({}))));
    expect(code).toBe("PAYLOAD_TOO_LARGE");
  });
});

const faulty = (count: number): Faults => {
  const faults = new Faults();
  for (let row = 2; row < count + 2; row++) faults.add(row, "name", "Invalid input");
  return faults;
};

describe("faults", () => {
  it("say no more than the start of a column's name", () => {
    const faults = new Faults();
    faults.add(1, "x".repeat(5_000_000), "Unknown column");
    const { message, extras } = problemOf(() => faults.raise());
    expect(extras.errors).toEqual([{ path: `rows.1.${"x".repeat(100)}`, message: "Unknown column" }]);
    expect(message.length).toBeLessThan(300);
  });

  it("refuse nothing where there are none", () => {
    expect(() => faulty(0).raise()).not.toThrow();
  });

  it.each([
    [1, "Nothing was imported: the file has 1 fault. The first is rows.2.name: Invalid input."],
    [100, "Nothing was imported: the file has 100 faults. The first is rows.2.name: Invalid input."],
    [
      101,
      "Nothing was imported: the file has 101 faults. The first is rows.2.name: Invalid input. errors lists 100 of them; there are 1 more.",
    ],
  ])("are listed up to 100: of %d", (count, detail) => {
    const { message, extras } = problemOf(() => faulty(count).raise());
    expect(message).toBe(detail);
    expect(extras.errors).toHaveLength(Math.min(count, 100));
  });
});
