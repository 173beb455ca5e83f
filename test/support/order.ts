// The order of the test files: the longest first, so that all processors work to the end.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Files that take longer than their size suggests, because they start processes or wait; the longest first. The others
 * are sorted by their time in the last run, or by size.
 */
const LONG = [
  "test/local/start.spec.ts",
  "test/browser/crawl.spec.ts",
  "test/local/docs.spec.ts",
  "test/local/mail.spec.ts",
  "test/clients/python.spec.ts",
  "test/clients/typescript-kill.spec.ts",
  "test/browser/flows.spec.ts",
  "test/clients/python-service.spec.ts",
  "test/local/cli/drill.spec.ts",
  "test/clients/python-processes.spec.ts",
  "test/clients/typescript-container.spec.ts",
  "test/local/demo.spec.ts",
  "test/local/cli/commands.spec.ts",
  "test/browser/craft.spec.ts",
  "test/local/cli/audit.spec.ts",
  "test/clients/typescript.spec.ts",
  "test/local/cli/safety.spec.ts",
  "test/notices/faults.spec.ts",
  "test/storage/faults.spec.ts",
  "test/access/strangers.spec.ts",
].map((path) => join(ROOT, path));

/**
 * Files of the Node projects come before those on workerd, which are many and short. The latter stay together: a worker
 * keeps its workerd while the next file belongs to the same project.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = LONG.filter((path) => !existsSync(path));
    if (gone.length > 0) throw new Error(`test/support/order.ts names what is not there: ${gone.join(", ")}`);
    const group = ({ pool }: TestSpecification): number => (pool === "forks" ? 0 : 1);
    const place = ({ moduleId }: TestSpecification): number => {
      const index = LONG.indexOf(moduleId);
      return index === -1 ? LONG.length : index;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- vitest's, not an array's
    const usual = await super.sort(files);
    // Sorting keeps the order of what is equal here.
    return usual.toSorted((a, b) => group(a) - group(b) || place(a) - place(b));
  }
}
