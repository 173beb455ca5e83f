// Mails on the page of what they are about.
import type { FC } from "hono/jsx";
import type { presentMessage } from "../../../notices/messages.ts";
import { Card, When } from "../../ui/show.tsx";
import { KINDS, MessageStatus } from "../messages/list.tsx";

/** The latest mails about a license or to a customer. */
export const Mail: FC<{ mail: ReturnType<typeof presentMessage>[]; none: string; now: number }> = ({
  mail,
  none,
  now,
}) => (
  <Card title="Mail">
    {mail.length === 0 ? (
      <p class="empty">{none}</p>
    ) : (
      <ul class="list">
        {mail.map(({ id, kind, recipient, status, reason, created_at }) => (
          <li>
            <span class="what">
              <a href={`/admin/messages/${id}`}>{KINDS[kind]}</a>
            </span>
            <MessageStatus status={status} reason={reason} />
            <span class="second">to {recipient}</span>
            <span class="second">
              <When at={created_at} now={now} />
            </span>
          </li>
        ))}
      </ul>
    )}
  </Card>
);
