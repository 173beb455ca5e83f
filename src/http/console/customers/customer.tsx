// /admin/customers/{id}: their details, their licenses, what happened.
import type { FC } from "hono/jsx";
import { listAlike } from "../../../licensing/customers/customer-list.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { listEvents } from "../../../audit/event-list.ts";
import { listContacts } from "../../../licensing/customers/contacts.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { listLicensesInUse } from "../../../licensing/licenses/license-list.ts";
import { listRequests } from "../../../licensing/portal/requests.ts";
import { latestMessagesOf, presentMessage } from "../../../notices/messages.ts";
import { Seats } from "../../ui/seats.tsx";
import { presentLicense } from "../../../licensing/licenses/licenses.ts";
import { Alike } from "./alike.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import { Timeline } from "../parts/events.tsx";
import { ShownMetadata } from "../parts/metadata.tsx";
import { ShownNotes } from "../parts/noted.tsx";
import { Card, Facts, StandingBadge, Table, When } from "../../ui/show.tsx";
import { idOf } from "../visit.ts";
import { Mail } from "../parts/mail.tsx";
import { Requests } from "./cards.tsx";
import { Contacts } from "./contacts.tsx";
import { EmailFault } from "./shown.tsx";

export type Customer = Awaited<ReturnType<typeof getCustomer>>;

const DONE: Record<string, string> = {
  created: "The customer is created.",
  changed: "The customer is changed.",
  "contact-added": "The contact is added.",
  "contact-changed": "The contact is changed.",
  "contact-removed": "The contact is removed.",
  "signed-out": "Nobody of the customer is signed in any more.",
  erased: "The customer or contact is erased.",
  "erased-not-kept":
    "It is erased. The bucket BACKUPS does not know of it yet: the night tries again. Until then, a restore of an older backup brings it back.",
  erasing: "The first part is erased. There is much of it: the night does the rest.",
  suspend: "The licenses of the customer are suspended.",
  reinstate: "The licenses that were suspended with the customer are reinstated.",
};

/** Enough for nearly every customer; the list of licenses shows them all. */
const LICENSES = 20;

const Licenses: FC<{
  customerId: string;
  rows: (ReturnType<typeof presentLicense> & { seated: number })[];
  more: boolean;
  now: number;
}> = ({ customerId, rows, more, now }) => (
  <>
    <Table
      caption="Licenses of this customer"
      rows={rows}
      empty="This customer has no license yet."
      columns={[
        {
          label: "License",
          main: true,
          cell: ({ id, license_type }) => (
            <>
              <a href={`/admin/licenses/${id}`}>{license_type}</a>
              <code class="second">{id}</code>
            </>
          ),
        },
        { label: "Standing", cell: ({ standing }) => <StandingBadge standing={standing} /> },
        {
          label: "Ends",
          cell: ({ expires_at }) => <When at={expires_at} now={now} none="perpetual" as="end" />,
        },
        {
          label: "Seats",
          cell: ({ seated, max_instances: max }) => <Seats seated={seated} max={max} />,
          numeric: true,
          minor: true,
        },
      ]}
    />
    <p class="pager">
      {more ? <a href={`/admin/licenses?customer_id=${customerId}`}>All licenses of this customer</a> : null}
      <a href={`/admin/customers/${customerId}/usage`}>Usage of all licenses</a>
      <a href={`/admin/instances?customer_id=${customerId}`}>Instances of this customer</a>
    </p>
  </>
);

export const customerPage: Page = {
  path: "/admin/customers/{id}",
  access: "read",
  async show(visit) {
    const { context, now, can, query } = visit;
    const id = idOf(visit);
    const [customer, contacts, licenses, events, mail, requests] = await Promise.all([
      getCustomer(context, id),
      listContacts(context, id),
      listLicensesInUse(context, { limit: LICENSES }, { customer_id: id }),
      listEvents(context, { limit: 8 }, { entity: id }, "with names"),
      latestMessagesOf(context, id, 5),
      listRequests(context, { limit: 5 }, { customer_id: id }),
    ]);
    // Whoever has no scripts saw none of them before.
    const alike = query["done"] === "created" ? await listAlike(context, customer) : [];
    return {
      title: displayNameOf(customer),
      section: "customers",
      body: (
        <>
          <Heading
            trail={[["/admin/customers", "Customers"]]}
            title={displayNameOf(customer)}
            lead={
              <>
                {personOf(customer) === null ? null : `${personOf(customer)} · `}
                <code>{id}</code>
              </>
            }
            done={DONE[query["done"] ?? ""]}
          />
          <div class="actions page">
            {can("customers") ? (
              <a class="button" href={`/admin/customers/${id}/edit`} data-dialog>
                Edit
              </a>
            ) : null}
            <a class="button" href={`/admin/customers/${id}/usage`}>
              Usage
            </a>
            {can("customers") ? (
              <div class="rare">
                {licenses.data.length === 0 ? null : (
                  <>
                    <a class="button quiet" href={`/admin/customers/${id}/suspend`} data-dialog>
                      Suspend all
                    </a>
                    <a class="button quiet" href={`/admin/customers/${id}/reinstate`} data-dialog>
                      Reinstate
                    </a>
                  </>
                )}
                <a class="button quiet" href={`/admin/customers/${id}/sign-out`} data-dialog>
                  Sign out
                </a>
                {can("erasure") ? (
                  <a class="button quiet" href={`/admin/customers/${id}/data`} data-dialog>
                    All data
                  </a>
                ) : null}
                <a class="button quiet danger" href={`/admin/customers/${id}/delete`} data-dialog>
                  Delete
                </a>
                {can("erasure") ? (
                  <a class="button quiet danger" href={`/admin/customers/${id}/erase`} data-dialog>
                    Erase
                  </a>
                ) : null}
              </div>
            ) : null}
          </div>
          <Alike customers={alike.filter((other) => other.id !== id)} />
          {customer.email_status === null ? null : (
            <p class="note warn">
              {customer.email_status === "bounced"
                ? `Mail to ${customer.email} came back: what is mailed until you enter another address does not arrive. `
                : `The recipient of ${customer.email} marked our mail as spam. Ask them before anything more is mailed. `}
              {can("customers") ? (
                <a href={`/admin/customers/${id}/edit`} data-dialog>
                  Change the address
                </a>
              ) : null}
            </p>
          )}
          <div class="columns lopsided">
            <div>
              <Card title="Customer">
                <Facts
                  rows={[
                    [
                      "E-mail",
                      customer.email === null ? (
                        <span class="soft">none</span>
                      ) : (
                        <>
                          {customer.email} <EmailFault of={customer} />
                        </>
                      ),
                    ],
                    ["Customer's site", customer.portal === 1 ? "on" : "off: nobody may sign in"],
                    ["Created", <When at={customer.created_at} now={now} />],
                    ["Last changed", <When at={customer.updated_at} now={now} />],
                  ]}
                />
                <ShownNotes path="/admin/customers" noted={customer} />
                <ShownMetadata metadata={customer.metadata} />
              </Card>
              <Contacts customerId={id} contacts={contacts} canChange={can("customers")} />
              <Card
                title="Licenses"
                actions={
                  <>
                    {can("keys") && licenses.data.length > 0 ? (
                      <a class="button small" href={`/admin/exports/licenses?customer_id=${id}`}>
                        Export
                      </a>
                    ) : null}
                    {can("licenses") ? (
                      <a class="button small" href={`/admin/licenses/new?customer_id=${id}`}>
                        New license
                      </a>
                    ) : null}
                  </>
                }
              >
                <Licenses
                  customerId={id}
                  rows={licenses.data.map(({ license, seated }) => ({
                    ...presentLicense(license, now),
                    seated,
                  }))}
                  more={licenses.next_cursor !== null}
                  now={now}
                />
              </Card>
            </div>
            <div>
              <Requests requests={requests.data} more={requests.next_cursor !== null} now={now} />
              <Mail mail={mail.map(presentMessage)} none="Nothing was mailed to this customer." now={now} />
              <Card
                title="Latest events"
                actions={<a href={`/admin/activity?entity=${encodeURIComponent(id)}`}>All events</a>}
              >
                <Timeline events={events.data} now={now} />
              </Card>
            </div>
          </div>
        </>
      ),
    };
  },
};
