// Mails a link to the customer's site: at once, after the answer, and past the outbox. What the outbox keeps staff can
// preview, send again and back up, and whoever reads a link may try to use it. A link that does not arrive is asked for
// anew.
import type { Context } from "../../context.ts";
import { SECOND } from "../../kernel/dates.ts";
import type { Language } from "../../kernel/languages.ts";
import { contactIn } from "../joining.ts";
import { emailOf } from "../outbox.ts";

interface SignInMail {
  recipient: string;
  name: string;
  language: Language | null;
  link: string;
  minutes: number;
}

const ATTEMPTS = 3;

const PAUSE = 2 * SECOND;

const TIMEOUT = 8 * SECOND;

/** Sends after the answer, so that the time of the answer does not tell whether the address is known. */
export function mailSignIn(context: Context, mail: SignInMail): void {
  const { apiKey, from, heldBy } = context.config.mail;
  if (apiKey === null || from === null || heldBy !== null) return;
  context.defer(send(context, apiKey, mail));
}

async function send(context: Context, apiKey: string, { recipient, language, ...mail }: SignInMail) {
  const { config, ids, clock, requestId } = context;
  const id = `sig_${ids.ulid(clock.now())}`;
  const { tags: _unknown, ...email } = await emailOf(context, id, {
    recipient,
    language,
    notice: {
      kind: "sign_in",
      product: config.productName,
      contact: contactIn(config),
      ...mail,
    },
  });
  const { Resend } = await import("resend");
  const resend = new Resend(apiKey, { baseUrl: config.mail.baseUrl });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { error } = await resend.emails.send(email, {
      // The same in each attempt: a lost answer does not make a second mail.
      idempotencyKey: id,
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!error) return;
    if (attempt === ATTEMPTS)
      context.log("error", { event: "sign_in_mail", reason: error.name, request_id: requestId });
    else await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
