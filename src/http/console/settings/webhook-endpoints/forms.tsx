// Adds, changes, tests, and deletes a webhook endpoint. A secret is shown only once.
import type { Child, FC } from "hono/jsx";
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  EndpointChanges,
  getEndpoint,
  NewEndpoint,
  rotateSecret,
} from "../../../../webhook-endpoints/endpoints.ts";
import { replay, ReplayRequest, testEndpoint } from "../../../../webhook-endpoints/deliveries.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { Checkbox, Field, PostForm, Submit } from "../../../ui/form.tsx";
import { type Change, versionOf } from "../../../ui/overtaken.tsx";
import { Copyable } from "../../../ui/copyable.tsx";
import { Heading } from "../../../ui/heading.tsx";
import type { Form, View } from "../../mount.tsx";
import type { Visit } from "../../visit.ts";
import { SETTINGS } from "../settings.tsx";
import { type Endpoint, ENDPOINTS, nameOf, pathOf } from "./list.tsx";

const idOf = ({ params }: Visit): string => params["id"] ?? "";

const Settings: FC<{ entry: Entry; endpoint?: Endpoint }> = ({ entry, endpoint }) => {
  const isChecked = (name: "active" | "include_personal", otherwise: boolean): boolean =>
    entry.has("url") ? entry.has(name) : endpoint ? endpoint[name] === 1 : otherwise;
  return (
    <>
      <Field
        entry={entry}
        name="url"
        label="Address"
        hint="https, on port 443 of a public host, such as https://erp.example.com/caio"
        value={endpoint?.url}
        required
        maxlength={2_048}
      />
      <Field
        entry={entry}
        name="events"
        label="Events"
        hint={
          <>
            Types (license.issued), families (license.*), or * for all, separated by commas. The{" "}
            <a href="/docs#webhooks">reference</a> lists them.
          </>
        }
        value={endpoint?.events.join(", ") ?? "*"}
        required
      />
      <Field
        entry={entry}
        name="description"
        label="What it is for"
        value={endpoint?.description}
        maxlength={200}
      />
      <Checkbox name="include_personal" checked={isChecked("include_personal", false)}>
        Send personal members, too: names, addresses, notes
      </Checkbox>
      <Checkbox name="active" checked={isChecked("active", true)}>
        Active
      </Checkbox>
    </>
  );
};

const inputIn = (entry: Entry) => ({
  url: entry.text("url"),
  events: entry.words("events"),
  description: entry.text("description") ?? null,
  include_personal: entry.has("include_personal"),
  active: entry.has("active"),
});

const secretPage = (title: string, { id }: Endpoint, secret: string, more?: Child): View => ({
  title,
  section: "settings",
  look: { action: "webhook_endpoint.secret_revealed", entity: ["webhook_endpoint", id] },
  body: (
    <>
      <Heading
        trail={[SETTINGS, ENDPOINTS]}
        title={title}
        done="Copy the secret now: it is not shown again."
      />
      <section class="card narrow">
        <Copyable id="secret" text={secret} label="Secret" />
        {more}
        <p>
          <a class="button" href={pathOf(id)}>
            Done
          </a>
        </p>
      </section>
    </>
  ),
});

const create: Form = {
  path: `${ENDPOINTS[0]}/new`,
  access: "webhook-endpoints",
  show: async (visit, entry) => ({
    title: "New webhook endpoint",
    section: "settings",
    body: (
      <>
        <Heading trail={[SETTINGS, ENDPOINTS]} title="New webhook endpoint" />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <Settings entry={entry} />
            <Submit back={ENDPOINTS[0]}>Add the endpoint</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async submit({ context }, entry) {
    const { endpoint, secret } = await createEndpoint(context, parsed(NewEndpoint, inputIn(entry)));
    return secretPage("Webhook endpoint added", endpoint, secret);
  },
};

/** A form about one endpoint. */
const about = (
  action: string,
  title: (name: string) => string,
  fields: (entry: Entry, endpoint: Endpoint) => Child,
  [button, tone]: [string, "primary" | "danger"],
  submit: Form["submit"],
  changes?: (entry: Entry, endpoint: Endpoint) => Change,
): Form => ({
  path: `${ENDPOINTS[0]}/{id}/${action}`,
  access: "webhook-endpoints",
  async show(visit, entry) {
    const endpoint = await getEndpoint(visit.context, idOf(visit));
    return {
      title: title(nameOf(endpoint)),
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, ENDPOINTS]} title={title(nameOf(endpoint))} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} changes={changes?.(entry, endpoint)}>
              {fields(entry, endpoint)}
              <Submit tone={tone} back={pathOf(endpoint.id)}>
                {button}
              </Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  submit,
});

const edit = about(
  "edit",
  (name) => `Edit ${name}`,
  (entry, endpoint) => <Settings entry={entry} endpoint={endpoint} />,
  ["Save", "primary"],
  async (visit, entry) => {
    const input = parsed(EndpointChanges, inputIn(entry));
    await changeEndpoint(visit.context, idOf(visit), input, versionOf(entry));
    return { to: `${pathOf(idOf(visit))}?done=changed` };
  },
  (entry, endpoint) => ({
    present: {
      ...endpoint,
      active: endpoint.active === 1,
      include_personal: endpoint.include_personal === 1,
    },
    entered: () => parsed(EndpointChanges, inputIn(entry)),
  }),
);

const test = about(
  "test",
  (name) => `Test ${name}?`,
  () => <p>One event, webhook_endpoint.tested, is sent now. It takes up to ten seconds.</p>,
  ["Send the test", "primary"],
  async (visit) => {
    const { error } = await testEndpoint(visit.context, idOf(visit));
    return { to: `${pathOf(idOf(visit))}?done=${error === null ? "tested" : "test-failed"}` };
  },
);

const replayForm = about(
  "replay",
  (name) => `Send events to ${name} again`,
  (entry, endpoint) => (
    <Field
      entry={entry}
      name="from_event"
      label="From event"
      type="number"
      min={1}
      hint="This event and all after it are sent, in their order. Activity shows the ids."
      value={endpoint.cursor + 1}
      required
    />
  ),
  ["Send them again", "primary"],
  async (visit, entry) => {
    const input = parsed(ReplayRequest, { from_event: entry.number("from_event") });
    await replay(visit.context, idOf(visit), input);
    return { to: `${pathOf(idOf(visit))}?done=replayed` };
  },
);

const rotate = about(
  "rotate-secret",
  (name) => `Give ${name} a new secret?`,
  () => <p>For 24 hours each delivery is signed with both secrets. After that, with the new one alone.</p>,
  ["Make a new secret", "primary"],
  async (visit) => {
    const { endpoint, secret } = await rotateSecret(visit.context, idOf(visit));
    return secretPage("New webhook secret", endpoint, secret, <p>For 24 hours the former one signs, too.</p>);
  },
);

const remove = about(
  "delete",
  (name) => `Delete ${name}?`,
  () => <p>It gets nothing any more, and its secret and last deliveries are forgotten. This is final.</p>,
  ["Delete the endpoint", "danger"],
  async (visit) => {
    await deleteEndpoint(visit.context, idOf(visit));
    return { to: `${ENDPOINTS[0]}?done=deleted` };
  },
);

export const webhookEndpointFormDoors = [create, edit, test, replayForm, rotate, remove];
