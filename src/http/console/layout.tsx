// The frame of every page: head, navigation, who is signed in.
import type { Child, FC } from "hono/jsx";
import { MOST } from "../../licensing/figures/waiting.ts";
import { DEFAULT_BRAND } from "../../field/brand.ts";
import { FormFields } from "../ui/form.tsx";
import type { Visit } from "./visit.ts";
import type { Config } from "../../config.ts";

const SECTIONS = [
  ["overview", "/admin", "Overview"],
  ["figures", "/admin/figures", "Figures"],
  ["licenses", "/admin/licenses", "Licenses"],
  ["customers", "/admin/customers", "Customers"],
  ["instances", "/admin/instances", "Instances"],
  ["requests", "/admin/requests", "Requests"],
  ["messages", "/admin/messages", "Messages"],
  ["activity", "/admin/activity", "Activity"],
  ["air-gap", "/admin/air-gap", "Air gap"],
  ["settings", "/admin/settings", "Settings"],
] as const;

export type Section = (typeof SECTIONS)[number][0];

const COUNTED = {
  requests: "open",
  messages: "bounced or failed lately",
  instances: "suspected clones",
} as const;

const isCounted = (section: Section): section is keyof typeof COUNTED => Object.hasOwn(COUNTED, section);

/** What waits for somebody, beside the entry that leads there. */
const Count: FC<{ visit: Visit; of: Section }> = ({ visit: { waiting }, of }) => {
  if (!isCounted(of)) return null;
  const [count, what] = [waiting?.[of] ?? 0, COUNTED[of]];
  return count === 0 ? null : (
    <span class="count" title={`${count} ${what}`}>
      {count < MOST ? count : `${MOST}+`}
      <span class="unseen"> {what}</span>
    </span>
  );
};

/**
 * The search over everything. The results have an address, so it is a GET. Its button sends by POST: a pasted key must
 * not be in an address.
 */
export const Find: FC<{ visit: Visit; label: string; value?: string; autofocus?: boolean }> = ({
  visit,
  label,
  value,
  autofocus,
}) => (
  <form class="find" method="get" action="/admin/search" role="search" aria-label={label}>
    <input type="hidden" name="form_token" value={visit.formToken} />
    <input
      type="search"
      name="q"
      aria-label={label}
      placeholder="Find anything"
      aria-keyshortcuts="/ Control+K"
      value={value}
      maxlength={16_384}
      autocomplete="off"
      required
      autofocus={autofocus}
    />
    <button class="unseen" formmethod="post" tabindex={-1}>
      Find
    </button>
  </form>
);

const Navigation: FC<{ visit: Visit; section: Section | undefined }> = ({ visit, section }) => (
  <>
    <Find visit={visit} label="Find anything" />
    <nav aria-label="Main">
      {SECTIONS.map(([name, href, label]) => (
        <a href={href} aria-current={name === section ? "page" : undefined}>
          {label}
          <Count visit={visit} of={name} />
        </a>
      ))}
    </nav>
    <form class="who" method="post" action="/admin/sign-out">
      <FormFields visit={visit} />
      <p>
        <span class="name" title={visit.actor.id}>
          {visit.session.name}
        </span>
        <span class="soft">{visit.actor.role}</span>
      </p>
      {visit.session.id === null ? (
        <a class="button quiet small" href="/cdn-cgi/access/logout">
          Sign out
        </a>
      ) : (
        <button class="quiet small">Sign out</button>
      )}
    </form>
  </>
);

const Head: FC<{ title: string; owner: string; color: string }> = ({ title, owner, color }) => (
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex, nofollow" />
    <title>
      {title} · {owner} Licensing
    </title>
    <link rel="icon" href="/admin/assets/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/admin/assets/console.css" />
    {color === DEFAULT_BRAND.color ? null : (
      // The address names the color, so that another one is not taken from the browser's cache.
      <link rel="stylesheet" href={`/admin/brand.css?color=${color.slice(1)}`} />
    )}
    {/* Not deferred: it marks the page before the first paint, so nothing shifts. */}
    <script src="/admin/assets/console.js"></script>
  </head>
);

interface DocumentProps {
  /** Null if nobody is signed in. */
  visit: Visit | null;
  /** Of the service, where it is known without a visit. */
  config?: Config | undefined;
  title: string;
  body: Child;
  section?: Section | undefined;
}

export const Document: FC<DocumentProps> = ({
  visit,
  config = visit?.context.config,
  title,
  body,
  section,
}) => {
  const owner = config?.brand.name ?? config?.productName ?? "CAIO";
  return (
    <html
      lang="en"
      data-rows={visit?.view.rows}
      data-times={visit?.view.times}
      data-theme={visit?.view.theme}
    >
      <Head title={title} owner={owner} color={visit?.context.config.brand.color ?? DEFAULT_BRAND.color} />
      {visit ? (
        <body>
          <a class="skip" href="#content">
            Skip to the content
          </a>
          <header class="side">
            <a class="brand" href="/admin">
              <img src="/admin/assets/icon.svg" alt="" width="24" height="24" />
              {owner} Licensing
            </a>
            {/* On a phone the navigation folds away, without a script. */}
            <details class="menu">
              <summary>Menu</summary>
              <Navigation visit={visit} section={section} />
            </details>
            <div class="rail">
              <Navigation visit={visit} section={section} />
            </div>
          </header>
          <main id="content">{body}</main>
        </body>
      ) : (
        <body class="alone">
          <main id="content">{body}</main>
        </body>
      )}
    </html>
  );
};
