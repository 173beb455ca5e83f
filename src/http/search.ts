// One search over everything that staff look for: customers, licenses, instances, refused ones, mail, and what a request did.
import { decodeProtectedHeader } from "jose";
import { eventsOfRequest } from "../audit/event-list.ts";
import type { Context } from "../context.ts";
import { allow } from "../kernel/permissions.ts";
import { cleaned } from "../field/pasted.ts";
import { listCustomers } from "../licensing/customers/customer-list.ts";
import { findInstances } from "../licensing/instances/find-instances.ts";
import { listLicensesInUse } from "../licensing/licenses/license-list.ts";
import { findRefusals } from "../licensing/seats/kept-refusals.ts";
import { findMessages } from "../notices/messages.ts";

/** How many of each kind are found; the lists have all of them. */
export const FOUND = 6;

/** The most that is read of a pasted document. */
const MAX_DOCUMENT = 16_384;

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a text is a license key or a certificate, however it was pasted, and no words to search for. */
export const isDocument = (text: string): boolean =>
  text.length <= MAX_DOCUMENT && text.length > 60 && COMPACT.test(cleaned(text));

/** The license that a pasted key or certificate of ours names, also one that was replaced; or null. */
export async function licenseOfDocument({ keyring, config }: Context, text: string): Promise<string | null> {
  const document = cleaned(text);
  try {
    const { typ } = decodeProtectedHeader(document);
    if (typ !== "license+jwt" && typ !== "activation+jwt") return null;
    const claims = await keyring.verify(typ, config.issuers, document);
    const id = claims?.[typ === "license+jwt" ? "jti" : "license_id"];
    return typeof id === "string" ? id : null;
  } catch {
    // Not a JWS at all.
    return null;
  }
}

/** A few of each kind; of an empty text, nothing. The parts read together, in one trip; the seats of the licenses take another. */
export async function searchEverything(context: Context, q: string) {
  allow(context, "read");
  if (q === "") return { customers: [], licenses: [], instances: [], refusals: [], messages: [], events: [] };
  const request = { limit: FOUND };
  const [customers, licenses, instances, refusals, messages, events] = await Promise.all([
    listCustomers(context, request, { q }),
    listLicensesInUse(context, request, { q }),
    findInstances(context, q, FOUND),
    findRefusals(context, q, FOUND),
    findMessages(context, q, FOUND),
    eventsOfRequest(context, q, FOUND),
  ]);
  return { customers: customers.data, licenses: licenses.data, instances, refusals, messages, events };
}
