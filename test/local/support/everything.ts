// Some tests need a browser, Python, or a shell. If it is missing they are skipped, unless everything has to be
// tested, as in CI: then it is a failure.
export const EVERYTHING = process.env["TEST_EVERYTHING"] === "1";

/**
 * Whether the tests that need something can run.
 * @param lacking what is missing, as a sentence
 * @throws if something is missing and TEST_EVERYTHING is 1
 */
export function isHere(found: boolean, lacking: string): boolean {
  if (!found && EVERYTHING) throw new Error(`${lacking} TEST_EVERYTHING=1 leaves nothing out.`);
  return found;
}
