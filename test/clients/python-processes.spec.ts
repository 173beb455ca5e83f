// The Python client in processes that are killed, forked, and told to end.
import { describe, it } from "vitest";
import { isHere } from "../local/support/everything.ts";
import { findPython, LACKING, MODULES, unittest } from "./support/python.ts";

const found = findPython();
const isPythonHere = isHere(found !== null, LACKING);
const python = found ?? "";

describe.runIf(isPythonHere)(`processes of the Python client${isPythonHere ? "" : ` (${LACKING})`}`, () => {
  it("loses nothing where it is killed, and gives its seat back where it ends", () =>
    unittest(python, MODULES.kills));

  it("ends when it is told to, whatever its threads wait for", () => unittest(python, MODULES.ends));
});
