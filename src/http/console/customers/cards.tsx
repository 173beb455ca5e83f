// The parts of a customer's page: what they asked for.
import type { FC } from "hono/jsx";
import type { CustomerRequest } from "../../../storage/schema.ts";
import { Card, When } from "../../ui/show.tsx";
import { askedFor, RequestStatus } from "../requests/list.tsx";

/** What the customer asked for on their own site; nothing where they asked for nothing. */
export const Requests: FC<{ requests: CustomerRequest[]; more: boolean; now: number }> = ({
  requests,
  more,
  now,
}) =>
  requests.length === 0 ? null : (
    <Card title="Requests">
      <ul class="list">
        {requests.map(({ id, kind, status, seats, text, answer, created_at }) => (
          <li>
            <span class="what">
              <a href={`/admin/requests/${id}`}>{askedFor({ kind, seats })}</a>
            </span>
            <RequestStatus kind={kind} status={status} />
            <span class="second">{text}</span>
            {answer === null ? null : <span class="second">Answer: {answer}</span>}
            <span class="second">
              <When at={created_at} now={now} />
            </span>
          </li>
        ))}
      </ul>
      {more ? <a href={`/admin/requests?customer_id=${requests[0]!.customer_id}`}>All requests</a> : null}
    </Card>
  );
