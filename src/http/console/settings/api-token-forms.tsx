// Makes an API token, which is shown only once, and revokes one.
import { createApiToken, getApiToken, NewApiToken, revokeApiToken } from "../../../access/tokens.ts";
import { DAY, floorToSecond, formatInstant } from "../../../kernel/dates.ts";
import { invalid } from "../../../problems.ts";
import { TOKENS } from "./api-tokens.tsx";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { Choices, Field, type Option, PostForm, Submit } from "../../ui/form.tsx";
import { Copyable } from "../../ui/copyable.tsx";
import { Facts, When } from "../../ui/show.tsx";
import { SETTINGS, TOKEN_ROLE_CHOICES } from "./settings.tsx";

const EXPIRIES: readonly Option[] = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
  ["never", "Never"],
  ["date", "On a date"],
];

/** The chosen end, as the API takes it. */
function endIn(entry: Entry, now: number): string | null {
  const chosen = EXPIRIES.find(([value]) => value === entry.text("expires"))?.[0];
  if (chosen === undefined) throw invalid("expires", "Choose when it expires");
  if (chosen === "never") return null;
  if (chosen !== "date") return formatInstant(floorToSecond(now + Number(chosen) * DAY));
  const date = entry.text("expires_at");
  if (date === undefined) throw invalid("expires_at", "Choose the last day");
  return date;
}

const create: Form = {
  path: "/admin/settings/api-tokens/new",
  access: "access",
  show: async (visit, entry) => ({
    title: "New API token",
    section: "settings",
    body: (
      <>
        <Heading trail={[SETTINGS, TOKENS]} title="New API token" />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <Field
              entry={entry}
              name="name"
              label="Name"
              hint="What it is for, such as Billing."
              required
              maxlength={200}
            />
            <Choices entry={entry} name="role" legend="Role" options={TOKEN_ROLE_CHOICES} value="viewer" />
            <Choices entry={entry} name="expires" legend="Expires" options={EXPIRIES} value="90" />
            <Field
              entry={entry}
              name="expires_at"
              label="Last day"
              type="date"
              hint="The token is valid until that day is over everywhere on Earth."
            />
            <Submit back={TOKENS[0]}>Create the token</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async submit({ context, now }, entry) {
    const input = parsed(NewApiToken, {
      name: entry.text("name"),
      role: entry.text("role"),
      expires_at: endIn(entry, now),
    });
    const { apiToken, token } = await createApiToken(context, input);
    return {
      title: "API token created",
      section: "settings",
      look: { action: "api_token.revealed", entity: ["api_token", apiToken.id] },
      body: (
        <>
          <Heading
            trail={[SETTINGS, TOKENS]}
            title="API token created"
            done="Copy the token now: it is not shown again."
          />
          <section class="card narrow">
            <Copyable id="token" text={token} label="API token" />
            <Facts
              rows={[
                ["Name", apiToken.name],
                ["Role", apiToken.role],
                ["Expires", <When at={apiToken.expires_at} now={now} as="end" />],
              ]}
            />
            <p>
              <a class="button" href={TOKENS[0]}>
                Done
              </a>
            </p>
          </section>
        </>
      ),
    };
  },
};

const revoke: Form = {
  path: "/admin/settings/api-tokens/{id}/revoke",
  access: "access",
  async show(visit, entry) {
    const token = await getApiToken(visit.context, visit.params["id"] ?? "");
    return {
      title: `Revoke ${token.name}`,
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, TOKENS]} title={`Revoke “${token.name}”?`} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <p>
                <code>{token.prefix}…</code> with the role {token.role},{" "}
                {token.last_used_at === null ? (
                  "never used"
                ) : (
                  <>
                    last used <When at={token.last_used_at} now={visit.now} />
                  </>
                )}
                . Whoever uses it is refused from the next request on. This is final.
              </p>
              {token.id === visit.actor.id ? (
                <p class="note warn">You are signed in with this token: revoking it signs you out.</p>
              ) : null}
              <Submit tone="danger" back={TOKENS[0]}>
                Revoke the token
              </Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ context, params }) {
    await revokeApiToken(context, params["id"] ?? "");
    return { to: `${TOKENS[0]}?done=revoked` };
  },
};

export const apiTokenFormDoors = [create, revoke];
