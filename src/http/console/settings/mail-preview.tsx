// /admin/settings/mail/preview: every kind of mail in every language as this deployment writes it, and "send me this".
import type { FC } from "hono/jsx";
import type { Session } from "../../../access/sessions.ts";
import {
  previewMail,
  PreviewRequest,
  sendPreview,
  SendPreviewRequest,
} from "../../../notices/preview/preview.ts";
import { Entry, parsed } from "../../ui/entry.ts";
import { Field, Filters, type Option, PostForm, Select, Submit } from "../../ui/form.tsx";
import { Card } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import { KINDS } from "../messages/list.tsx";
import { FORMATS, mailBody } from "../messages/message.tsx";
import type { Form, Page } from "../mount.tsx";
import { LANGUAGE_NAMES, LANGUAGE_OPTIONS } from "../../ui/languages.ts";
import { SETTINGS } from "./settings.tsx";

export const PREVIEW = "/admin/settings/mail/preview";

const TRAIL: [href: string, label: string][] = [SETTINGS, ["/admin/settings/mail", "Mail and brand"]];

const COUNTS: Option[] = [
  ["one", "one license"],
  ["several", "several licenses"],
];

type Asked = ReturnType<typeof askedOf>;

/** What an address or a form asks to see. @throws Problem REQUEST_INVALID */
const askedOf = (entry: Entry) =>
  parsed(PreviewRequest, {
    kind: entry.text("kind"),
    language: entry.text("language"),
    licenses: entry.text("licenses"),
  });

const queryOf = ({ kind, language, licenses }: Asked): string =>
  new URLSearchParams({ kind, language, licenses }).toString();

const entryOf = (query: Record<string, string>): Entry => new Entry(Object.entries(query));

const nameOf = ({ kind, language }: Asked): string =>
  kind === "admin_digest" ? KINDS[kind] : `${KINDS[kind]} in ${LANGUAGE_NAMES[language]}`;

/** Every mail in every language, one click away; mail to staff is in English. */
export const AllPreviews: FC = () => (
  <ul class="list">
    {Object.entries(KINDS).map(([kind, name]) => (
      <li>
        <span class="what">{name}</span>
        <span class="second">
          {LANGUAGE_OPTIONS.slice(0, kind === "admin_digest" ? 1 : undefined).map(([language, label], n) => (
            <>
              {n > 0 ? " · " : ""}
              <a href={`${PREVIEW}?kind=${kind}&language=${language}`}>{label}</a>
            </>
          ))}
        </span>
      </li>
    ))}
  </ul>
);

const preview: Page = {
  path: PREVIEW,
  access: "read",
  async show({ context, can, query }) {
    const entry = entryOf(query);
    const asked = askedOf(entry);
    const { subject, attachments } = await previewMail(context, asked);
    const here = queryOf(asked);
    const format = query["as"] === "text" ? "text" : "html";
    return {
      title: "Preview of mail",
      section: "settings",
      body: (
        <>
          <Heading
            trail={TRAIL}
            title="Preview of mail"
            lead="Each mail as this deployment writes it, about invented licenses."
            done={query["done"] === "sent" ? "The preview is on its way to you." : undefined}
          />
          <Card>
            <Filters label="Preview of mail" reset={PREVIEW} isFiltered={Object.keys(query).length > 0}>
              <Select
                entry={entry}
                name="kind"
                label="Kind"
                options={Object.entries(KINDS)}
                value={asked.kind}
              />
              <Select
                entry={entry}
                name="language"
                label="Language"
                options={LANGUAGE_OPTIONS}
                value={asked.language}
              />
              <Select entry={entry} name="licenses" label="About" options={COUNTS} value={asked.licenses} />
            </Filters>
          </Card>
          <div id="preview" data-results>
            <Card
              title={subject}
              actions={
                can("licenses") ? (
                  <a class="button" href={`${PREVIEW}/send?${here}`} data-dialog>
                    Send me this
                  </a>
                ) : null
              }
            >
              <p class="actions">
                {Object.entries(FORMATS).map(([name, label]) => (
                  <a
                    class="button small"
                    href={`${PREVIEW}?${here}&as=${name}`}
                    aria-current={name === format ? "true" : undefined}
                  >
                    {label}
                  </a>
                ))}
              </p>
              {attachments.length > 0 ? (
                <p class="hint">Attached: {attachments.map(({ filename }) => filename).join(", ")}</p>
              ) : null}
              {asked.kind === "admin_digest" ? <p class="hint">Mail to staff is in English.</p> : null}
              <iframe title={nameOf(asked)} sandbox="" src={`${PREVIEW}/body?${here}&as=${format}`}></iframe>
            </Card>
          </div>
        </>
      ),
    };
  },
};

const body: Page = {
  path: `${PREVIEW}/body`,
  access: "read",
  async show({ http, context, query }) {
    const mail = await previewMail(context, askedOf(entryOf(query)));
    return mailBody(http, mail, query["as"] === "text" ? "text" : "html");
  },
};

/** The address of whoever is signed in; undefined for a token, which has none. */
const addressOf = ({ actor }: Session): string | undefined => (actor.id.includes("@") ? actor.id : undefined);

const send: Form = {
  path: `${PREVIEW}/send`,
  access: "licenses",
  show(visit, entry) {
    const asked = askedOf(entry);
    return Promise.resolve({
      title: "Send a preview",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[...TRAIL, [`${PREVIEW}?${queryOf(asked)}`, "Preview"]]}
            title="Send a preview"
            lead={`${nameOf(asked)}, about invented licenses.`}
          />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} action={`${PREVIEW}/send`}>
              {Object.entries(asked).map(([name, value]) => (
                <input type="hidden" name={name} value={value} />
              ))}
              {visit.context.config.mail.apiKey === null ? (
                <p class="note warn">
                  Sending is not configured here: the mail is written and shown, not sent.
                </p>
              ) : null}
              <Field
                entry={entry}
                name="to"
                label="To"
                hint="Any address, such as your own."
                type="email"
                value={addressOf(visit.session)}
                required
                maxlength={254}
              />
              <Submit back={`${PREVIEW}?${queryOf(asked)}`}>Send</Submit>
            </PostForm>
          </section>
        </>
      ),
    });
  },
  async submit({ context }, entry) {
    const asked = askedOf(entry);
    await sendPreview(context, parsed(SendPreviewRequest, { ...asked, to: entry.text("to") }));
    return { to: `${PREVIEW}?${queryOf(asked)}&done=sent` };
  },
};

export const mailPreviewDoors = [preview, body, send];
