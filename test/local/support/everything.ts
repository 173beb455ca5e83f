// What some tests need of the machine: a browser, Python, shells. Where it is missing those tests are left out, but
// not for whoever wants everything tested, as CI does: there it is a failure.
export const EVERYTHING = process.env["TEST_EVERYTHING"] === "1";

/**
 * Whether the tests that need it can run.
 * @param lacking what is missing, as a sentence
 * @throws where it is missing and TEST_EVERYTHING is 1
 */
export function isHere(found: boolean, lacking: string): boolean {
  if (!found && EVERYTHING) throw new Error(`${lacking} TEST_EVERYTHING=1 leaves nothing out.`);
  return found;
}
