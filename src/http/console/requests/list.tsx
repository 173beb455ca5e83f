// /admin/requests: what customers asked for on their site.
import type { FC } from "hono/jsx";
import { customerNames } from "../../../licensing/customers/customers.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { listRequests, RequestFilter } from "../../../licensing/portal/requests.ts";
import type { CustomerRequest } from "../../../storage/schema.ts";
import { Field, Filters, Select } from "../../ui/form.tsx";
import { emptyList, listQuery, pageOf } from "../../ui/list.tsx";
import { Badge, Card, Pager, Table, type Tone, When } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import type { Visit } from "../visit.ts";

const REQUEST_WORDS: Record<CustomerRequest["kind"], string> = {
  renewal: "Renewal",
  seats: "Seats",
  question: "Question",
};

const TONES: Record<CustomerRequest["status"], Tone> = { open: "info", accepted: "good", declined: "plain" };

export const RequestStatus = ({ kind, status }: Pick<CustomerRequest, "kind" | "status">) => (
  <Badge tone={TONES[status]}>{kind === "question" && status === "accepted" ? "answered" : status}</Badge>
);

/** What was asked for, in a few words. */
export const askedFor = ({ kind, seats }: Pick<CustomerRequest, "kind" | "seats">): string =>
  seats === null ? REQUEST_WORDS[kind] : `${REQUEST_WORDS[kind]}: ${seats} in all`;

const NoRequests: FC<{ visit: Visit }> = ({ visit: { context, can } }) => (
  <>
    No customer asked for anything yet.{" "}
    {context.config.portal
      ? "Contacts who may sign in ask for renewals, seats and answers on the customer’s site."
      : "The customer’s site, where they ask, is switched off (PORTAL=off)."}{" "}
    {context.config.portal && can("customers") ? (
      <a href="/admin/customers">Choose a customer, and let a contact sign in</a>
    ) : null}
  </>
);

export const requestList: Page = {
  path: "/admin/requests",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const list = listQuery(visit, RequestFilter.shape);
    const { entry, query } = list;
    const page = await pageOf(list, (request, filter) => listRequests(context, request, filter));
    const names = await customerNames(
      context,
      page.data.map(({ customer_id }) => customer_id),
    );
    return {
      title: "Requests",
      section: "requests",
      problem: entry.problem,
      body: (
        <>
          <Heading title="Requests" lead="What customers asked for on their site, the newest first." />
          <Card>
            <Filters label="Requests" reset="/admin/requests" isFiltered={list.isFiltered}>
              <Select
                entry={entry}
                name="status"
                label="Status"
                options={[
                  ["", "Any status"],
                  ["open", "open"],
                  ["accepted", "accepted"],
                  ["declined", "declined"],
                ]}
              />
              <Select
                entry={entry}
                name="kind"
                label="Kind"
                options={[["", "Any kind"], ...Object.entries(REQUEST_WORDS)]}
              />
              <Field entry={entry} name="customer_id" label="Customer" maxlength={64} />
            </Filters>
            <div id="requests" data-results>
              <Table
                caption="Requests"
                list
                rows={page.data}
                empty={emptyList(list, page.next_cursor, <NoRequests visit={visit} />)}
                columns={[
                  {
                    label: "Request",
                    main: true,
                    cell: (request) => (
                      <>
                        <a href={`/admin/requests/${request.id}`}>{askedFor(request)}</a>
                        {request.text === "" ? null : <span class="second">{request.text}</span>}
                      </>
                    ),
                  },
                  {
                    label: "Customer",
                    cell: ({ customer_id: id }) => {
                      const customer = names.get(id);
                      return (
                        <>
                          <a href={`/admin/customers/${id}`}>{customer ? displayNameOf(customer) : id}</a>
                          {customer ? <span class="second">{personOf(customer)}</span> : null}
                        </>
                      );
                    },
                    long: true,
                  },
                  { label: "Status", cell: (request) => <RequestStatus {...request} /> },
                  {
                    label: "Asked",
                    cell: ({ created_at }) => <When at={created_at} now={now} />,
                    minor: true,
                  },
                ]}
              />
              <Pager path="/admin/requests" query={query} next={page.next_cursor} count={page.data.length} />
            </div>
          </Card>
        </>
      ),
    };
  },
};
