// /admin/requests/{id}: one request, and the two forms that answer it.
import type { FC } from "hono/jsx";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { displayNameOf, fullNameOf } from "../../../licensing/customers/display-name.ts";
import { renewedFor } from "../../../licensing/licenses/decisions.ts";
import { findLicenseType } from "../../../licensing/licenses/license-types.ts";
import { getLicense } from "../../../licensing/licenses/licenses.ts";
import {
  Acceptance,
  acceptRequest,
  Decline,
  declineRequest,
  getRequest,
} from "../../../licensing/portal/requests.ts";
import type { Customer, CustomerRequest, License } from "../../../storage/schema.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Field, PostForm, Submit, TextArea } from "../../ui/form.tsx";
import { Card, Facts, formatLimit, When } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form, Page } from "../mount.tsx";
import { Ending, endOf } from "../parts/terms.tsx";
import { idOf, type Visit } from "../visit.ts";
import { changing } from "../licenses/actions/meanwhile.tsx";
import { askedFor, RequestStatus } from "./list.tsx";

interface Held {
  request: CustomerRequest;
  customer: Pick<Customer, "id" | "name" | "company">;
  license: License | null;
}

async function held({ context, params }: Visit): Promise<Held> {
  const request = await getRequest(context, params["id"] ?? "");
  const [customer, license] = await Promise.all([
    getCustomer(context, request.customer_id),
    request.license_id === null ? null : getLicense(context, request.license_id),
  ]);
  return { request, customer, license };
}

const REQUESTS: [string, string] = ["/admin/requests", "Requests"];

const Asked: FC<Held & { now: number }> = ({ request, customer, license, now }) => (
  <Facts
    rows={[
      ["Customer", <a href={`/admin/customers/${customer.id}`}>{fullNameOf(customer)}</a>],
      [
        "License",
        license === null ? null : <a href={`/admin/licenses/${license.id}`}>{license.license_type}</a>,
      ],
      ["Valid through", license === null ? null : <When at={license.expires_at} now={now} as="end" />],
      ["Seats now", license === null ? null : formatLimit(license.max_instances)],
      ["Asked", <When at={request.created_at} now={now} />],
      ["Answered", request.answered_at === null ? null : <When at={request.answered_at} now={now} />],
      ["They say", request.text === "" ? null : <div class="words">{request.text}</div>],
      ["Our answer", request.answer && <div class="words">{request.answer}</div>],
    ]}
  />
);

const DONE: Record<string, string> = {
  accepted: "It is done, and the customer is told.",
  declined: "It is declined, and the customer is told.",
};

export const requestPage: Page = {
  path: "/admin/requests/{id}",
  access: "read",
  async show(visit) {
    const all = await held(visit);
    const { request, customer } = all;
    const here = `/admin/requests/${request.id}`;
    return {
      title: `${askedFor(request)}, ${displayNameOf(customer)}`,
      section: "requests",
      body: (
        <>
          <Heading
            trail={[REQUESTS]}
            title={
              <>
                {askedFor(request)} <RequestStatus {...request} />
              </>
            }
            lead={<code>{request.id}</code>}
            done={DONE[visit.query["done"] ?? ""]}
            actions={
              request.status === "open" && visit.can("licenses") ? (
                <>
                  <a class="button primary" href={`${here}/accept`} data-dialog>
                    {request.kind === "question" ? "Answer" : "Accept"}
                  </a>
                  <a class="button quiet" href={`${here}/decline`} data-dialog>
                    Decline
                  </a>
                </>
              ) : null
            }
          />
          <Card>
            <Asked {...all} now={visit.now} />
          </Card>
        </>
      ),
    };
  },
};

/** What answers a request of this kind, besides words. */
const Effect: FC<{ entry: Entry; all: Held; duration: string | null | undefined; now: number }> = ({
  entry,
  all: { request, license },
  duration,
  now,
}) => {
  if (license === null || request.kind === "question") return null;
  return request.kind === "renewal" ? (
    <Ending
      entry={entry}
      legend="Renew for"
      after={(chosen) => renewedFor(license.expires_at ?? 0, chosen, now)}
      value={duration ?? "P1Y"}
    />
  ) : (
    <Field
      entry={entry}
      name="max_instances"
      label="Seats in all"
      type="number"
      min={1}
      max={1_000_000_000}
      value={String(request.seats ?? "")}
      hint={`Now ${formatLimit(license.max_instances)}. Empty: unlimited.`}
      autofocus
    />
  );
};

const Words: FC<{ entry: Entry; required: boolean }> = ({ entry, required }) => (
  <TextArea
    entry={entry}
    name="answer"
    label="What the customer reads"
    hint={required ? undefined : "Optional."}
    required={required}
    maxlength={2_000}
  />
);

const accept: Form = {
  path: "/admin/requests/{id}/accept",
  access: "licenses",
  async show(visit, entry) {
    const all = await held(visit);
    const { request, license } = all;
    const isQuestion = license === null || request.kind === "question";
    const [type, changes] =
      license === null || isQuestion
        ? []
        : await Promise.all([
            findLicenseType(visit.context, license.license_type),
            changing(visit, entry, license.id, license),
          ]);
    return {
      title: isQuestion ? "Answer the question" : "Accept the request",
      section: "requests",
      body: (
        <>
          <Heading
            trail={[REQUESTS, [`/admin/requests/${request.id}`, askedFor(request)]]}
            title={isQuestion ? "Answer the question" : `Accept: ${askedFor(request)}`}
          />
          <Card>
            <Asked {...all} now={visit.now} />
            <PostForm
              visit={visit}
              entry={entry}
              changes={changes}
              action={`/admin/requests/${request.id}/accept`}
            >
              <Effect entry={entry} all={all} duration={type?.duration} now={visit.now} />
              <Words entry={entry} required={isQuestion} />
              <Submit back={`/admin/requests/${request.id}`}>
                {isQuestion ? "Answer" : request.kind === "renewal" ? "Renew" : "Change the license"}
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const { kind, license_id } = await getRequest(visit.context, idOf(visit));
    const effect =
      license_id === null || kind === "question"
        ? {}
        : kind === "renewal"
          ? endOf(entry)
          : { max_instances: entry.number("max_instances") ?? null };
    const answer = entry.text("answer");
    await acceptRequest(
      visit.context,
      idOf(visit),
      parsed(Acceptance, { ...effect, ...(answer === undefined ? {} : { answer }) }),
      { ifMatch: entry.text("version"), lastOrder: entry.text("last_order") },
    );
    return { to: `/admin/requests/${idOf(visit)}?done=accepted` };
  },
};

const decline: Form = {
  path: "/admin/requests/{id}/decline",
  access: "licenses",
  async show(visit, entry) {
    const all = await held(visit);
    const { request } = all;
    return {
      title: "Decline the request",
      section: "requests",
      body: (
        <>
          <Heading
            trail={[REQUESTS, [`/admin/requests/${request.id}`, askedFor(request)]]}
            title={`Decline: ${askedFor(request)}?`}
          />
          <Card>
            <Asked {...all} now={visit.now} />
            <PostForm visit={visit} entry={entry} action={`/admin/requests/${request.id}/decline`}>
              <TextArea
                entry={entry}
                name="reason"
                label="Why"
                hint="The customer reads it."
                required
                maxlength={2_000}
                autofocus
              />
              <Submit tone="danger" back={`/admin/requests/${request.id}`}>
                Decline
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    await declineRequest(visit.context, idOf(visit), parsed(Decline, { reason: entry.text("reason") ?? "" }));
    return { to: `/admin/requests/${idOf(visit)}?done=declined` };
  },
};

export const requestFormDoors = [accept, decline];
