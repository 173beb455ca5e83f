// /admin/settings: how the service is configured, and the links to change it.
import type { Child, FC } from "hono/jsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import type { Option } from "../../ui/form.tsx";
import { Badge, Card, Facts } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";
import type { WebhookEndpoint } from "../../../storage/schema.ts";
import { troubledEndpoints } from "../../../webhook-endpoints/endpoints.ts";

/** The page above each page of this section. */
export const SETTINGS: [href: string, label: string] = ["/admin/settings", "Settings"];

export const ROLE_CHOICES: readonly Option[] = [
  ["viewer", "viewer: reads everything except license keys"],
  ["manager", "manager: customers, licenses, keys, imports"],
  ["owner", "owner: everything, including access"],
];

export const TOKEN_ROLE_CHOICES: readonly Option[] = [
  ...ROLE_CHOICES,
  ["monitor", "monitor: for a program that watches; reads health and metrics alone"],
];

const Choice: FC<{ href: string; title: string; state?: Child; children?: Child }> = ({
  href,
  title,
  state,
  children,
}) => (
  <li>
    <h2 class="what">
      <a href={href}>{title}</a>
    </h2>
    <span>{state}</span>
    <p class="second">{children}</p>
  </li>
);

const MailState: FC<{ visit: Visit }> = ({ visit: { context } }) =>
  context.config.mail.apiKey === null ? (
    <Badge tone="warn">not configured</Badge>
  ) : (
    <Badge tone="good">configured</Badge>
  );

const WebhookState: FC<{ troubled: WebhookEndpoint[] }> = ({ troubled }) =>
  troubled.some(({ active }) => active === 0) ? (
    <Badge tone="stop">switched off</Badge>
  ) : troubled.length > 0 ? (
    <Badge tone="warn">failing</Badge>
  ) : null;

const Service: FC<{ visit: Visit }> = ({ visit }) => {
  const { issuer, issuers, productName, rateLimits, access, adminToken } = visit.context.config;
  return (
    <Card title="Service">
      <Facts
        rows={[
          ["Product", productName],
          ["Issuer", <code>{issuer}</code>],
          ["Formerly", issuers.length > 1 ? <code>{issuers.slice(1).join(", ")}</code> : null],
          ["Rate limits", rateLimits ? "on" : "off"],
          ["Cloudflare Access", access ? <code>{access.team}</code> : "not configured"],
          ["ADMIN_TOKEN", visit.can("access") ? (adminToken === null ? "not set" : "set") : null],
        ]}
      />
      <p class="hint">
        These come from the deployment. The <a href="/docs">reference of the API</a> describes its calls.
      </p>
    </Card>
  );
};

const settings: Page = {
  path: "/admin/settings",
  access: "read",
  async show(visit) {
    const troubled = visit.can("webhook-endpoints") ? await troubledEndpoints(visit.context) : [];
    return {
      title: "Settings",
      section: "settings",
      body: (
        <>
          <Heading title="Settings" />
          <Card>
            <ul class="list">
              <Choice href="/admin/settings/license-types" title="License types">
                The terms that a license starts with: how long it runs, what it allows, and when notices are
                sent.
              </Choice>
              <Choice href="/admin/settings/entitlements" title="Entitlements">
                What can be sold besides features and limits, and what instances count.
              </Choice>
              {visit.can("access") ? (
                <>
                  <Choice href="/admin/settings/people" title="People and roles">
                    Who signs in through Cloudflare Access, and what they may do.
                  </Choice>
                  <Choice href="/admin/settings/api-tokens" title="API tokens">
                    How programs, and people without Cloudflare Access, prove who they are.
                  </Choice>
                </>
              ) : null}
              {visit.can("webhook-endpoints") ? (
                <Choice
                  href="/admin/settings/webhook-endpoints"
                  title="Webhook endpoints"
                  state={<WebhookState troubled={troubled} />}
                >
                  Other systems that are told of events.
                </Choice>
              ) : null}
              <Choice href="/admin/settings/mail" title="Mail and brand" state={<MailState visit={visit} />}>
                How mail is sent, and how each mail looks in each language.
              </Choice>
              <Choice href="/admin/settings/signing-keys" title="Signing keys">
                What signs license keys and certificates, and what verifies them.
              </Choice>
              <Choice href="/admin/settings/view" title="My view">
                Rows, the first page, times and colors, for you alone.
              </Choice>
            </ul>
          </Card>
          <Service visit={visit} />
        </>
      ),
    };
  },
};

const signingKeys: Page = {
  path: "/admin/settings/signing-keys",
  access: "read",
  async show({ context }) {
    const { keys } = context.keyring.publicKeys();
    return {
      title: "Signing keys",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="Signing keys"
            lead="The first key signs; all of them verify. Installations and anybody else find the public halves in the key set."
            actions={
              <a class="button" href="/.well-known/jwks.json">
                Open the key set
              </a>
            }
          />
          {keys.map((jwk, index) => (
            <Card title={index === 0 ? "Signs and verifies" : "Verifies"}>
              <pre class="claims">{JSON.stringify(jwk, null, 2)}</pre>
            </Card>
          ))}
          <Card title="Rotate">
            <p>
              The private halves are the secret <code>SIGNING_KEYS</code> of the deployment and are shown
              nowhere. This puts a new key in front and keeps the old ones:
            </p>
            <pre class="claims">
              npm run --silent keys -- rotate {"<"} old.json | npx wrangler secret put SIGNING_KEYS
            </pre>
            <p class="hint">Drop an old key only when nothing that it signed may be in use any more.</p>
          </Card>
        </>
      ),
    };
  },
};

export const settingsDoors = [settings, signingKeys];
