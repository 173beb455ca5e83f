// What every call of an instance needs: its license key and its own id, within the rate limits.
import * as z from "zod/mini";
import { networkOf } from "../../../access/networks.ts";
import type { Context } from "../../../context.ts";
import { instanceIdOf } from "../../../field/pasted.ts";
import { Problem } from "../../../problems.ts";
import { type KeyIdentity, readLicenseKey } from "../../licenses/license-keys.ts";

const PRINTABLE = /^[^\p{C}]{1,128}$/u;

/**
 * Any printable characters; chosen and kept by the instance, never a container's host name. The schema checks its
 * canonical form but leaves it as it was written; `withKeptId` makes it canonical.
 */
export const InstanceId = z.string().check(
  // One message per fault: if the first check fails, the second does not run.
  z.refine((text) => text === "" || instanceIdOf(text) !== "", { error: "Must not be blank", abort: true }),
  z.refine((text) => PRINTABLE.test(instanceIdOf(text)), "Must be 1 to 128 printable characters"),
  z.meta({
    description:
      "1 to 128 printable characters. White space and invisible characters at its ends do not count, nor does how accents are composed (NFC).",
    // Weaker than the checks, because Python and regular expressions without flags do not know \p{…}. At the ends
    // there may be white space, which counts for nothing.
    pattern: "^[\\s\\u0085]*[^\\u0000-\\u001f\\u007f-\\u009f]+[\\s\\u0085]*$",
    minLength: 1,
  }),
);

// Any string is accepted here and judged as a key later; the body limit bounds its length.
export const LicenseKey = z.string();

export const asInstance = (context: Context, id: string): Context => ({
  ...context,
  actor: { type: "instance", id },
});

/**
 * The key of a public request, within the rate limits: refused keys are counted by address and valid ones by license,
 * so that a hundred instances behind one address do not lock each other out.
 */
export async function presentedKey(context: Context, licenseKey: string): Promise<KeyIdentity> {
  const key = await readLicenseKey(context, licenseKey).catch(async (error: unknown) => {
    const within = await context.limits.refusedCredentials(`key:${networkOf(context.ip)}`);
    throw within ? error : tooMany("Too many invalid license keys came from this address.");
  });
  if (await context.limits.license(key.licenseId)) return key;
  throw tooMany("Too many requests were made for this license.");
}

const tooMany = (detail: string): Problem => new Problem("RATE_LIMITED", detail, { retry_after: 60 });
