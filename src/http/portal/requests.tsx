// /portal/requests: asking for a renewal, more seats, or anything else; and the answers.
import { ask, NewRequest, ownRequests } from "../../licensing/portal/own-requests.ts";
import { ownLicenses } from "../../licensing/portal/own.ts";
import type { CustomerRequest } from "../../storage/schema.ts";
import { parsed } from "../ui/entry.ts";
import { Choices, Field, PostForm, Select, TextArea } from "../ui/form.tsx";
import { Badge, Card, Table, type Tone, When } from "../ui/show.tsx";
import type { Form } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";

const KINDS: [CustomerRequest["kind"], string][] = [
  ["renewal", "A renewal"],
  ["seats", "More seats"],
  ["question", "Something else"],
];

const STATUS: Record<CustomerRequest["status"], [Tone, string]> = {
  open: ["info", "waits for an answer"],
  accepted: ["good", "done"],
  declined: ["plain", "declined"],
};

export const requestsForm: Form = {
  path: "/portal/requests",
  access: "ask",
  async show(visit, entry) {
    const { context, now, query } = visit;
    const [requests, licenses] = await Promise.all([ownRequests(context), ownLicenses(context)]);
    return {
      title: "Requests",
      body: (
        <>
          <Heading
            title="Requests"
            done={
              query["done"] === "asked" ? "We have your request. The answer will stand below." : undefined
            }
          />
          <Card title="Ask us">
            <PostForm visit={visit} entry={entry} action="/portal/requests">
              <Choices
                entry={entry}
                name="kind"
                legend="What for"
                options={KINDS}
                value={query["kind"] ?? "renewal"}
              />
              <Select
                entry={entry}
                name="license_id"
                label="License"
                options={[
                  ["", "none in particular"],
                  ...licenses.rows.map(({ id, license_type }): [string, string] => [
                    id,
                    `${license_type}, ${id}`,
                  ]),
                ]}
                value={query["license"] ?? (licenses.rows.length === 1 ? licenses.rows[0]?.id : undefined)}
              />
              <Field
                entry={entry}
                name="seats"
                label="Seats in all"
                type="number"
                min={1}
                max={1_000_000}
                hint="How many the license should have."
              />
              <TextArea entry={entry} name="text" label="What else we should know" maxlength={2_000} />
              <div class="submit">
                <button class="primary">Send</button>
              </div>
            </PostForm>
          </Card>
          <Card title="What you asked for">
            <Table
              caption="Your requests"
              rows={requests}
              empty="You have not asked for anything yet."
              columns={[
                {
                  label: "Request",
                  main: true,
                  cell: ({ kind, seats, text, license_id }) => (
                    <>
                      {KINDS.find(([name]) => name === kind)?.[1]}
                      {seats === null ? "" : `: ${seats} in all`}
                      {license_id === null ? null : <code class="second">{license_id}</code>}
                      {text === "" ? null : <span class="second">{text}</span>}
                    </>
                  ),
                },
                {
                  label: "Answer",
                  cell: ({ status, answer }) => (
                    <>
                      <Badge tone={STATUS[status][0]}>{STATUS[status][1]}</Badge>
                      {answer === null ? null : <span class="second">{answer}</span>}
                    </>
                  ),
                },
                { label: "Asked", cell: ({ created_at }) => <When at={created_at} now={now} />, minor: true },
              ]}
            />
          </Card>
        </>
      ),
    };
  },
  async submit({ context }, entry) {
    const kind = entry.text("kind") ?? "";
    const input = parsed(NewRequest, {
      kind,
      license_id: entry.text("license_id"),
      seats: kind === "seats" ? entry.number("seats") : undefined,
      text: entry.text("text"),
    });
    await ask(context, input);
    return { to: "/portal/requests?done=asked" };
  },
};
