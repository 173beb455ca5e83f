// Mails a link of the customer's site: at once, after the answer, and past the outbox. What the outbox keeps staff can
// preview, send again and back up, and whoever reads a link may try to use it. A link that does not arrive is asked for
// anew.
import type { Context } from "../../context.ts";
import { SECOND } from "../../kernel/dates.ts";
import type { Language } from "../../kernel/languages.ts";
import { contactIn } from "../contact.ts";
import { emailOf } from "../outbox.ts";
import type { NoticeOf } from "../templates/notice.ts";

interface To {
  recipient: string;
  language: Language | null;
}

type Said<Kind extends "sign_in" | "contact_invited"> = Omit<NoticeOf<Kind>, "kind" | "product" | "contact">;

const ATTEMPTS = 3;

const PAUSE = 2 * SECOND;

const TIMEOUT = 8 * SECOND;

/** Sends after the answer, so that the time of the answer does not tell whether the address is known. */
export const mailSignIn = (context: Context, { recipient, language, ...said }: To & Said<"sign_in">): void =>
  mailSoon(context, { recipient, language }, { kind: "sign_in", ...aboutUs(context), ...said });

export const mailInvitation = (
  context: Context,
  { recipient, language, ...said }: To & Said<"contact_invited">,
): void =>
  mailSoon(context, { recipient, language }, { kind: "contact_invited", ...aboutUs(context), ...said });

const aboutUs = ({ config }: Context) => ({ product: config.productName, contact: contactIn(config) });

function mailSoon(context: Context, to: To, notice: NoticeOf<"sign_in" | "contact_invited">): void {
  const { apiKey, from, heldBy } = context.config.mail;
  if (apiKey === null || from === null || heldBy !== null) return;
  context.defer(send(context, apiKey, to, notice));
}

async function send(
  context: Context,
  apiKey: string,
  to: To,
  notice: NoticeOf<"sign_in" | "contact_invited">,
): Promise<void> {
  const { config, ids, clock, requestId } = context;
  const id = `sig_${ids.ulid(clock.now())}`;
  const { tags: _unknown, ...email } = await emailOf(context, id, { ...to, notice });
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
      context.log("error", { event: "site_link", reason: error.name, request_id: requestId });
    else await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
