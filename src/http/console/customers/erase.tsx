// /admin/customers/{id}/erase, …/contacts/{contact_id}/erase and …/data: forgetting people, and telling them what is kept.
import type { FC } from "hono/jsx";
import { getContact } from "../../../licensing/customers/contacts.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import {
  eraseContact,
  eraseCustomer,
  type ErasureOutcome,
  ErasureRequest,
} from "../../../licensing/customers/erase.ts";
import { customerData } from "../../../licensing/sheets/customer-data.ts";
import { Problem } from "../../../problems.ts";
import { answerFile } from "../../exports.ts";
import { parsed } from "../../ui/entry.ts";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card, plural } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import { Reason } from "../licenses/actions/action.tsx";
import type { Form, Inquiry } from "../mount.tsx";
import { idOf, type Visit } from "../visit.ts";
import { trailOf } from "./shown.tsx";

const GONE: [keyof ErasureOutcome["goes"], string][] = [
  ["contacts", "contact"],
  ["licenses", "license with metadata, tags or notes"],
  ["instances", "instance with where it ran"],
  ["mails", "mail: to whom and what it said"],
  ["digests", "digest to staff: what it said"],
  ["pending_changes", "change to come or of before"],
  ["requests", "request of the customer: what it said, and the answer"],
  ["refusals", "license with refusals that say where instances ran"],
  ["deliveries", "delivery to a webhook endpoint: what the receiver answered"],
];

const Plan: FC<{ outcome: ErasureOutcome }> = ({ outcome: { goes, events_that_stay } }) => (
  <>
    <p class="note stop">This cannot be undone. Ids, terms, figures and the record stay.</p>
    <p>What is erased:</p>
    <ul>
      {GONE.filter(([name]) => goes[name] > 0).map(([name, what]) => (
        <li>
          {goes[name]} × {what}
        </li>
      ))}
    </ul>
    {events_that_stay === 0 ? null : (
      <p>
        {plural(events_that_stay, "event")} of earlier releases {events_that_stay === 1 ? "holds" : "hold"}{" "}
        values of them. The record cannot be changed.
      </p>
    )}
  </>
);

/** What it would do; the refusal where it may not. */
async function planned(work: Promise<ErasureOutcome>): Promise<ErasureOutcome | Problem> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.code === "CONFLICT") return error;
    throw error;
  }
}

const whole: Form = {
  path: "/admin/customers/{id}/erase",
  access: "erasure",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const { id } = customer;
    const name = displayNameOf(customer);
    const plan = await planned(eraseCustomer(visit.context, id, { reason: "" }, true));
    return {
      title: `Erase ${name}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={`Erase ${name}?`} />
          <Card>
            <PostForm visit={visit} entry={entry}>
              {plan instanceof Problem ? (
                <>
                  <p>{plan.message}</p>
                  <div class="submit">
                    <a class="button" href={`/admin/licenses?customer_id=${id}`}>
                      Licenses of the customer
                    </a>
                    <a class="button quiet" href={`/admin/customers/${id}`} data-close>
                      Back
                    </a>
                  </div>
                </>
              ) : (
                <>
                  <Plan outcome={plan} />
                  <Reason entry={entry} placeholder="Asked for on May 3. No name here." />
                  <Submit tone="danger" back={`/admin/customers/${id}`}>
                    Erase customer
                  </Submit>
                </>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(ErasureRequest, { reason: entry.text("reason") ?? "" });
    return doneWith(visit, await eraseCustomer(visit.context, idOf(visit), input));
  },
};

const contactIdOf = ({ params }: Visit): string => params["contact_id"] ?? "";

const one: Form = {
  path: "/admin/customers/{id}/contacts/{contact_id}/erase",
  access: "erasure",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const { id } = customer;
    const contact = await getContact(visit.context, id, contactIdOf(visit));
    const plan = await eraseContact(visit.context, id, contact.id, { reason: "" }, true);
    return {
      title: `Erase ${contact.name ?? contact.email}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={`Erase ${contact.email}?`} />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <Plan outcome={plan} />
              <p>What notes or metadata of the customer say about them stays until you change it.</p>
              <Reason entry={entry} placeholder="Asked for on May 3. No name here." />
              <Submit tone="danger" back={`/admin/customers/${id}`}>
                Erase contact
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(ErasureRequest, { reason: entry.text("reason") ?? "" });
    return doneWith(visit, await eraseContact(visit.context, idOf(visit), contactIdOf(visit), input));
  },
};

const doneWith = (visit: Visit, { finished, kept }: ErasureOutcome): { to: string } => ({
  to: `/admin/customers/${idOf(visit)}?done=${finished && kept ? "erased" : finished ? "erased-not-kept" : "erasing"}`,
});

const data: Inquiry = {
  path: "/admin/customers/{id}/data",
  access: "erasure",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    return {
      title: `All data of ${displayNameOf(customer)}`,
      section: "customers",
      body: (
        <>
          <Heading
            trail={trailOf(customer)}
            title="All data"
            lead="Everything that is kept about the customer, as one JSON file without license keys. That you read it is recorded."
          />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <Submit back={`/admin/customers/${customer.id}`}>Download</Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async answer({ http, context, params }) {
    return answerFile(http, await customerData(context, params["id"] ?? ""), "json");
  },
};

export const erasureDoors = [whole, one, data];
