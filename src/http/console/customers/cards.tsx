// The parts of a customer's page: what they asked for.
import type { FC } from "hono/jsx";
import type { CustomerRequest } from "../../../storage/schema.ts";
import { Badge, Card, type Tone, When } from "../../ui/show.tsx";

const REQUESTS: Record<CustomerRequest["kind"], string> = {
  renewal: "Renewal",
  seats: "Seats",
  question: "Question",
};

const TONES: Record<CustomerRequest["status"], Tone> = { open: "warn", accepted: "good", declined: "plain" };

/** What the customer asked for on their own site; nothing where they asked for nothing. */
export const Requests: FC<{ requests: CustomerRequest[]; now: number }> = ({ requests, now }) =>
  requests.length === 0 ? null : (
    <Card title="Requests">
      <ul class="list">
        {requests.map(({ kind, status, license_id, seats, text, answer, created_at }) => (
          <li>
            <span class="what">
              {license_id === null ? (
                REQUESTS[kind]
              ) : (
                <a href={`/admin/licenses/${license_id}`}>{REQUESTS[kind]}</a>
              )}
              {seats === null ? "" : `: ${seats}`}
            </span>
            <Badge tone={TONES[status]}>{status}</Badge>
            <span class="second">{text}</span>
            {answer === null ? null : <span class="second">Answer: {answer}</span>}
            <span class="second">
              <When at={created_at} now={now} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
