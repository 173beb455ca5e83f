// /admin/air-gap: what a courier brings from an installation without a network, a request or a receipt.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import {
  deactivateOffline,
  OfflineActivation,
  previewOffline,
  readReceipt,
} from "../../../licensing/seats/air-gap/air-gap.ts";
import { invalid, PROBLEMS } from "../../../problems.ts";
import { Entry, parsed } from "../../ui/entry.ts";
import { fileOrText } from "../../ui/files.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form, View } from "../mount.tsx";
import { Checkbox, Field, PostForm, TextArea } from "../../ui/form.tsx";
import { Card, Facts, formatLimit, StandingBadge, When } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

export const AIR_GAP: [string, string] = ["/admin/air-gap", "Air gap"];

/** @throws Problem REQUEST_INVALID for a file that is not a request */
export async function requestOf(entry: Entry): Promise<OfflineActivation> {
  const content = await fileOrText(entry, "request");
  if (content === undefined) throw invalid("request", "Choose the request file");
  let request: unknown;
  try {
    request = JSON.parse(content);
  } catch {
    throw invalid("request", "Is not a request file: it contains no JSON");
  }
  return parsed(OfflineActivation, {
    request,
    lease_days: entry.number("lease_days"),
    replace: entry.has("replace") ? true : undefined,
  });
}

const RequestForm: FC<{ visit: Visit; entry: Entry }> = ({ visit, entry }) => (
  <Card title="A request file">
    <p class="soft">
      Written by an installation without a network, to be activated or renewed. You see what it asks for
      before anything is done.
    </p>
    <PostForm visit={visit} entry={entry} action="/admin/air-gap" files atOnce>
      <Field
        entry={entry}
        name="lease_days"
        label="Lease in days"
        type="number"
        min={1}
        max={3_650}
        hint="Empty: up to the end of the license, or a year if it has none."
      />
      <Field entry={entry} name="request" label="Request file" type="file" required />
      <div class="submit">
        <button class="primary">See what it asks for</button>
      </div>
    </PostForm>
  </Card>
);

const ReceiptForm: FC<{ visit: Visit; entry: Entry }> = ({ visit, entry }) => (
  <Card title="A deactivation receipt">
    <p class="soft">An installation that stopped for good signed it; its seat is free from then on.</p>
    <PostForm visit={visit} entry={entry} action="/admin/air-gap/receipt" files>
      <Field entry={entry} name="receipt_file" label="Receipt file" type="file" />
      <TextArea entry={entry} name="receipt" label="Or its text" maxlength={16_384} code />
      <div class="submit">
        <button>Free the seat</button>
      </div>
    </PostForm>
  </Card>
);

const NOTHING = new Entry();

/** Both forms; `entry` belongs to the one that was sent. */
const bothForms = (visit: Visit, request: Entry, receipt: Entry): View => ({
  title: "Air gap",
  section: "air-gap",
  body: (
    <>
      <Heading
        title="Air gap"
        lead="Installations without a network: a courier carries a request here and a license file back."
      />
      {visit.can("activations") ? (
        <div class="columns">
          <RequestForm visit={visit} entry={request} />
          <ReceiptForm visit={visit} entry={receipt} />
        </div>
      ) : (
        <p class="empty">Your role cannot take or free seats. Owners and managers can do that here.</p>
      )}
    </>
  ),
});

/** Shows what the request would do, and the form that does it. */
export async function preview(visit: Visit, entry: Entry): Promise<View> {
  const { context, now } = visit;
  const input = await requestOf(entry);
  const { license, standing, instanceId, renews, seatsInUse, leaseUntil, otherFile, refusal } =
    await previewOffline(context, input);
  const customer = await getCustomer(context, license.customer_id);
  const { hostname, app_version, usage } = input.request;
  const title = renews ? `Renew ${instanceId}?` : `Activate ${instanceId}?`;
  return {
    title,
    section: "air-gap",
    body: (
      <>
        <Heading trail={[AIR_GAP]} title={title} />
        <Card>
          <Facts
            rows={[
              ["Customer", <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>],
              [
                "License",
                <a href={`/admin/licenses/${license.id}`}>
                  <code>{license.id}</code>
                </a>,
              ],
              ["Standing", <StandingBadge standing={standing} />],
              ["Instance", instanceId],
              ["Host name", hostname],
              ["Version", app_version],
              ["Days of usage reported", usage?.length],
              ["Seats in use", `${seatsInUse} of ${formatLimit(license.max_instances)}`],
            ]}
          />
          {refusal === null ? (
            <p>
              {renews ? "It keeps the seat that it has" : "It takes a seat"}, up to{" "}
              <When at={leaseUntil} now={now} />. Making the file again does not take another seat.
            </p>
          ) : (
            <p class="note stop">
              {PROBLEMS[refusal].title}. <a href={`/admin/licenses/${license.id}`}>Open the license</a>
            </p>
          )}
          <PostForm visit={visit} entry={entry} action="/admin/air-gap/license-file">
            <input type="hidden" name="request" value={JSON.stringify(input.request)} />
            <input type="hidden" name="lease_days" value={input.lease_days} />
            {refusal === null && otherFile ? (
              <div class="note stop">
                <p>
                  <strong>Another installation runs under this id,</strong> by files for another key, since{" "}
                  <When at={otherFile.since} now={now} />. The last of them is valid until{" "}
                  <When at={otherFile.until} now={now} />, and this request does not come from the
                  installation that got them. Two installations need two ids and two seats.
                </p>
                <Checkbox name="replace" checked={input.replace ?? false}>
                  The other installation is gone, and this one replaces it
                </Checkbox>
              </div>
            ) : null}
            <div class="submit">
              {refusal === null ? <button class="primary">Make the license file</button> : null}
              <a class={refusal === null ? "button quiet" : "button"} href="/admin/air-gap">
                {refusal === null ? "Cancel" : "Back"}
              </a>
            </div>
          </PostForm>
        </Card>
      </>
    ),
  };
}

/** Open to everyone who may read, since the navigation leads here; the verb refuses what they may not send. */
export const airGap: Form = {
  path: "/admin/air-gap",
  access: "read",
  show: async (visit, entry) => bothForms(visit, entry, NOTHING),
  submit: preview,
};

export const receipt: Form = {
  path: "/admin/air-gap/receipt",
  access: "activations",
  show: async (visit, entry) => bothForms(visit, NOTHING, entry),
  async submit({ context }, entry) {
    const content = await fileOrText(entry, "receipt_file", "receipt");
    if (content === undefined) throw invalid("receipt", "Choose the receipt file, or paste its text");
    const stopped = await readReceipt(context, content);
    if (!stopped) throw invalid("receipt", "Is not a receipt of an installation that we activated");
    await deactivateOffline(context, stopped.licenseId, { receipt: content });
    return { to: `/admin/instances/${stopped.activationId}?done=freed` };
  },
};
