// /admin/messages/{id}: how far a mail is, the mail itself in a frame that runs nothing, and sending it again.
import type { FC } from "hono/jsx";
import {
  findMessage,
  getMessage,
  presentMessage,
  type Preview,
  subjectOf,
} from "../../../notices/messages.ts";
import { previewReplacement } from "../../../notices/keys/replacing.ts";
import { retryMessage } from "../../../notices/retries.ts";
import { Problem } from "../../../problems.ts";
import type { Http } from "../../http.ts";
import { tailOf } from "../../ui/copyable.tsx";
import { Heading } from "../../ui/heading.tsx";
import { errorOf, KINDS, MessageStatus, type ShownMessage } from "./list.tsx";
import type { Form, Page } from "../mount.tsx";
import { addressesOf, InsteadNote } from "./replace.tsx";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card, Facts, When } from "../../ui/show.tsx";

const DELIVERY: Record<ShownMessage["status"], string> = {
  pending: "On its way: it goes out with the next delivery.",
  sent: "Resend took it. Whether it arrived is not known yet.",
  delivered: "It arrived in the recipient's mailbox.",
  bounced: "It came back: the recipient's server did not take it.",
  failed: "It could not be sent, and is not tried again by itself.",
  skipped: "It was not sent, because sending is not configured.",
};

const deliveryOf = ({ status, reason }: ShownMessage): string =>
  reason !== "superseded"
    ? DELIVERY[status]
    : status === "skipped"
      ? "It was taken back: what it says is not true any more."
      : "It did not arrive, and was sent to another address since: it is superseded.";

const DONE: Record<string, string> = {
  retried: "It is sent again.",
  replaced: "It is on its way. The message to the old address is superseded.",
};

const NOTICES: ReadonlySet<ShownMessage["kind"]> = new Set([
  "expiry_warning",
  "license_expired",
  "entitlement_expiring",
]);

const MESSAGES: [string, string] = ["/admin/messages", "Messages"];

const canBeRetried = ({ status, reason }: ShownMessage): boolean =>
  /^(?:failed|skipped|bounced)$/.test(status) && reason !== "superseded";

export const FORMATS = { html: "Formatted", text: "Plain text" } as const;

/** On request only: a mail with a key is shown to those who may see keys, and each view is recorded. */
const Mail: FC<{ id: string; holdsKey: boolean; maySee: boolean; as: string | undefined }> = ({
  id,
  holdsKey,
  maySee,
  as,
}) => {
  if (!maySee) return <p class="empty">This mail contains a license key, which your role may not see.</p>;
  const format = as === "html" || as === "text" ? as : holdsKey ? null : "html";
  return (
    <>
      <p class="actions">
        {Object.entries(FORMATS).map(([name, label]) => (
          <a
            class="button small"
            href={`/admin/messages/${id}?as=${name}#mail`}
            aria-current={name === format ? "true" : undefined}
          >
            {format === null ? `Show it ${name === "html" ? "formatted" : "as plain text"}` : label}
          </a>
        ))}
      </p>
      {holdsKey ? <p class="hint">It contains a license key: each view is recorded.</p> : null}
      {format === null ? null : (
        <iframe title="The mail" sandbox="" src={`/admin/messages/${id}/body?as=${format}`}></iframe>
      )}
    </>
  );
};

const linkTo = (section: string, id: string | null, name: string | null = null) =>
  id && <a href={`/admin/${section}/${id}`}>{name ?? <code>{id}</code>}</a>;

export const messagePage: Page = {
  path: "/admin/messages/{id}",
  access: "read",
  async show({ context, now, can, params, query }) {
    const id = params["id"]!;
    const [{ message: row, holdsKey }, subject, instead] = await Promise.all([
      findMessage(context, id),
      subjectOf(context, id),
      can("licenses") ? previewReplacement(context, { id }) : null,
    ]);
    const message = presentMessage(row);
    const goesElsewhere = instead !== null && instead.isCorrected && instead.recipients.length > 0;
    return {
      title: message.subject,
      section: "messages",
      body: (
        <>
          <Heading
            trail={[MESSAGES]}
            title={message.subject}
            lead={`${KINDS[message.kind]} to ${message.recipient}`}
            done={DONE[query["done"] ?? ""]}
            actions={
              canBeRetried(message) && can("licenses") ? (
                <>
                  {goesElsewhere || (instead?.contact && message.status === "bounced") ? (
                    <a class="button primary" href={`/admin/messages/${message.id}/replace`} data-dialog>
                      {goesElsewhere ? `Send to ${addressesOf(instead)}` : "Correct and send"}
                    </a>
                  ) : null}
                  {goesElsewhere ? null : (
                    <a class="button" href={`/admin/messages/${message.id}/retry`} data-dialog>
                      Send again
                    </a>
                  )}
                </>
              ) : null
            }
          />
          <Card title="Delivery">
            <p>
              <MessageStatus {...message} /> {deliveryOf(message)}
            </p>
            <InsteadNote
              instead={instead}
              recipient={message.recipient}
              isNotice={NOTICES.has(message.kind)}
            />
            {errorOf(message) === null ? null : <p class="note warn">{errorOf(message)}</p>}
            <Facts
              rows={[
                ["Customer", linkTo("customers", message.customer_id, subject.company ?? subject.name)],
                [
                  "License",
                  linkTo(
                    "licenses",
                    message.license_id,
                    subject.license_type && `${subject.license_type} ${tailOf(message.license_id ?? "")}`,
                  ),
                ],
                ["Written", <When at={message.created_at} now={now} time />],
                ["Last update", <When at={message.updated_at} now={now} time />],
                ["Next attempt", message.next_try_at && <When at={message.next_try_at} now={now} time />],
                ["Attempts", message.attempts],
                ["Bounce", message.bounce_type],
                ["Told by the mail of", linkTo("messages", message.joined_to)],
                ["Id at Resend", message.provider_id && <code>{message.provider_id}</code>],
              ]}
            />
          </Card>
          <Card title="Mail" id="mail">
            <Mail id={message.id} holdsKey={holdsKey} maySee={!holdsKey || can("keys")} as={query["as"]} />
          </Card>
        </>
      ),
    };
  },
};

/** A mail may contain anything: nothing in it runs, it loads only our logo, and only this console may frame it. */
export function mailBody(
  http: Http,
  mail: Pick<Preview, "html" | "text"> | null,
  as: keyof typeof FORMATS,
): Response {
  const { logo } = http.get("context").config.brand;
  const images = logo === null ? "data:" : `data: ${new URL(logo).origin}`;
  const isHtml = as === "html" && mail !== null;
  return http.body(
    mail === null
      ? "The mail cannot be read any more: texts are kept for RETAIN_MAIL_DAYS, and SESSION_SECRET opens them."
      : mail[as],
    200,
    {
      "Content-Type": `text/${isHtml ? "html" : "plain"}; charset=utf-8`,
      "Content-Security-Policy": `default-src 'none'; style-src 'unsafe-inline'; img-src ${images}; frame-ancestors 'self'; sandbox`,
      "X-Frame-Options": "SAMEORIGIN",
    },
  );
}

export const messageBody: Page = {
  path: "/admin/messages/{id}/body",
  access: "read",
  async show({ http, context, can, params, query }) {
    const { holdsKey, preview } = await getMessage(context, params["id"]!);
    if (holdsKey && !can("keys")) throw new Problem("FORBIDDEN", "This mail contains a license key.");
    return mailBody(http, preview, query["as"] === "text" ? "text" : "html");
  },
};

export const retry: Form = {
  path: "/admin/messages/{id}/retry",
  access: "licenses",
  async show(visit, entry) {
    const { message: row, holdsKey } = await findMessage(visit.context, visit.params["id"]!);
    const message = presentMessage(row);
    const here = `/admin/messages/${message.id}`;
    const isNotice = NOTICES.has(message.kind);
    return {
      title: "Send again",
      section: "messages",
      body: (
        <>
          <Heading trail={[MESSAGES, [here, message.subject]]} title="Send this mail again?" />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <p>
                It goes to <strong>{message.recipient}</strong> again at once,{" "}
                {isNotice ? "in the words of today, with all that the same mail tells." : "unchanged."}
                {holdsKey ? " To mail the license as it is now, send it from its own page." : null}
              </p>
              {entry.problem || message.status !== "bounced" ? null : (
                <p class="note warn">It bounced there. Correct the address first if it is wrong.</p>
              )}
              {entry.problem || errorOf(message) === null ? null : (
                <p class="note warn">{errorOf(message)}</p>
              )}
              {canBeRetried(message) ? (
                <Submit back={here}>Send again</Submit>
              ) : (
                <>
                  <p>It is {message.status}: there is nothing to send again.</p>
                  <a class="button" href={here} data-close>
                    Back
                  </a>
                </>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit({ context, params }) {
    const { id } = await retryMessage(context, params["id"]!);
    return { to: `/admin/messages/${id}?done=retried` };
  },
};
