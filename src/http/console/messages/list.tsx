// /admin/messages: what was mailed to whom, and whether it arrived.
import type { FC } from "hono/jsx";
import { listMessages, MessageFilter, presentMessage } from "../../../notices/messages.ts";
import { type SenderFault, senderFault } from "../../../notices/sender.ts";
import { Heading } from "../../ui/heading.tsx";
import { emptyList, listQuery, pageOf } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { columnsFor, ColumnsLink } from "../parts/columns.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import { Badge, Card, type Column, Pager, plural, Table, type Tone, When } from "../../ui/show.tsx";

export type ShownMessage = ReturnType<typeof presentMessage>;

export const KINDS: Record<ShownMessage["kind"], string> = {
  license_delivery: "License delivery",
  license_renewed: "License renewed",
  license_changed: "License changed",
  expiry_warning: "Expiry warning",
  license_expired: "License expired",
  entitlement_expiring: "Entitlement ends",
  request_answered: "Request answered",
  contact_added: "Contact added by a customer",
  admin_digest: "Digest for staff",
};

const TONES: Record<ShownMessage["status"], Tone> = {
  pending: "info",
  sent: "info",
  delivered: "good",
  bounced: "stop",
  failed: "stop",
  skipped: "plain",
};

/** What was sent to another address since is settled. */
export const MessageStatus: FC<Pick<ShownMessage, "status"> & Partial<Pick<ShownMessage, "reason">>> = ({
  status,
  reason,
}) => <Badge tone={reason === "superseded" ? "plain" : TONES[status]}>{status}</Badge>;

/** What the mail service says about a mail, if it is more than that it bounced. */
export const errorOf = ({ last_error: error }: Pick<ShownMessage, "last_error">): string | null =>
  error === null || /^The mail bounced\.?$/.test(error) ? null : error;

export const messageColumns = (now: number): Column<ShownMessage>[] => [
  {
    label: "Message",
    main: true,
    cell: ({ id, subject, kind, recipient, ...message }) => (
      <>
        <a href={`/admin/messages/${id}`}>{subject}</a>
        <span class="second">
          {KINDS[kind]} to {recipient}
        </span>
        {errorOf(message) === null ? null : <span class="second">{errorOf(message)}</span>}
      </>
    ),
  },
  {
    name: "status",
    label: "Status",
    cell: ({ status, reason }) => (
      <>
        <MessageStatus status={status} reason={reason} />
        {reason === "superseded" ? <span class="second">superseded</span> : null}
      </>
    ),
  },
  {
    name: "written",
    label: "Written",
    cell: ({ created_at }) => <When at={created_at} now={now} />,
    minor: true,
  },
];

export const messageListColumns = (now: number): Column<ShownMessage>[] => [
  ...messageColumns(now),
  {
    name: "to",
    label: "To",
    cell: ({ recipient }) => recipient,
    long: true,
    minor: true,
    extra: true,
  },
  { name: "kind", label: "Kind", cell: ({ kind }) => KINDS[kind], minor: true, extra: true },
  {
    name: "license",
    label: "License",
    cell: ({ license_id: id }) =>
      id === null ? null : (
        <a href={`/admin/licenses/${id}`}>
          <code>{id}</code>
        </a>
      ),
    minor: true,
    extra: true,
  },
];

const sentAgain = (count: string | undefined): string | undefined =>
  count === undefined || !/^\d{1,4}$/.test(count)
    ? undefined
    : count === "1"
      ? "1 message is sent again."
      : `${count} messages are sent again.`;

/** Why no mail goes out at all. */
export const SenderNote: FC<{ fault: SenderFault | null }> = ({ fault }) =>
  fault === null ? null : (
    <p class="note warn">
      No mail goes out: {fault.fault}.{" "}
      {fault.waiting === 0
        ? null
        : `${plural(fault.waiting, "message waits", "messages wait")}; nothing is lost. `}
      It goes on by itself once the deployment is mended.
    </p>
  );

const NoMessages: FC = () => (
  <>
    Nothing was mailed yet. Keys go out when a license is issued, renewed or sent, and notices before it ends.{" "}
    <a href="/admin/settings/mail">See how mail is sent and looks</a>
  </>
);

export const messageList: Page = {
  path: "/admin/messages",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const list = listQuery(visit, MessageFilter.shape);
    const { entry, query } = list;
    const [page, fault] = await Promise.all([
      pageOf(list, (request, filter) => listMessages(context, request, filter)),
      senderFault(context),
    ]);
    return {
      title: "Messages",
      section: "messages",
      problem: entry.problem,
      body: (
        <>
          <Heading
            title="Messages"
            lead="Every mail to customers and staff, the newest first."
            done={sentAgain(visit.query["retried"])}
            actions={
              <>
                <ColumnsLink list="messages" query={query} />
                {visit.can("licenses") ? (
                  <a class="button" href="/admin/messages/retry">
                    Send several again
                  </a>
                ) : null}
              </>
            }
          />
          <SenderNote fault={fault} />
          <Card>
            <Filters label="Messages" reset="/admin/messages" isFiltered={list.isFiltered}>
              <Select
                entry={entry}
                name="status"
                label="Status"
                options={[["", "Any status"], ...Object.keys(TONES).map((name): Option => [name, name])]}
              />
              <Select
                entry={entry}
                name="kind"
                label="Kind"
                options={[["", "Any kind"], ...Object.entries(KINDS)]}
              />
              <Field
                entry={entry}
                name="recipient"
                label="To"
                type="search"
                placeholder="it@acme.example"
                maxlength={254}
              />
              <Field
                entry={entry}
                name="license_id"
                label="License"
                type="search"
                placeholder="lic_…"
                maxlength={100}
              />
            </Filters>
            <div id="messages" data-results>
              <Table
                caption="Messages"
                list
                columns={columnsFor(visit, "messages", messageListColumns(now))}
                rows={page.data.map(presentMessage)}
                empty={emptyList(list, page.next_cursor, <NoMessages />)}
              />
              <Pager path="/admin/messages" query={query} next={page.next_cursor} count={page.data.length} />
            </div>
          </Card>
        </>
      ),
    };
  },
};
