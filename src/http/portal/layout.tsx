// The frame of every page of the customer's site.
import type { Child, FC } from "hono/jsx";
import type { Config } from "../../config.ts";
import { DEFAULT_BRAND } from "../../field/brand.ts";
import type { SitePermission } from "../../kernel/permissions.ts";
import { FormFields } from "../ui/form.tsx";
import type { Visit } from "./visit.ts";

/** Whose licenses they are, as customers know them. */
export const ownerOf = ({ brand, productName }: Config): string => brand.name ?? productName;

const Head: FC<{ title: string; config: Config }> = ({ title, config }) => (
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex, nofollow" />
    <title>
      {title} · {ownerOf(config)} licenses
    </title>
    <link rel="icon" href="/portal/assets/icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/portal/assets/console.css" />
    {config.brand.color === DEFAULT_BRAND.color ? null : (
      // The address names the color, so that another one is not taken from the browser's cache.
      <link rel="stylesheet" href={`/portal/brand.css?color=${config.brand.color.slice(1)}`} />
    )}
    {/* Not deferred: it marks the page before the first paint, so nothing shifts. */}
    <script src="/portal/assets/console.js"></script>
  </head>
);

const Bar: FC<{ visit: Visit }> = ({ visit }) => (
  <header class="bar">
    <a class="brand" href="/portal">
      <img src="/portal/assets/icon.svg" alt="" width="24" height="24" />
      {ownerOf(visit.context.config)} licenses
    </a>
    <form class="who" method="post" action="/portal/sign-out">
      <FormFields visit={visit} />
      <p>
        <span class="name">{visit.session.customerName}</span>
        <span class="soft">{visit.session.name ?? "signed in by a license key"}</span>
      </p>
      <button class="quiet small">Sign out</button>
    </form>
  </header>
);

const SECTIONS: [href: string, label: string, access: SitePermission][] = [
  ["/portal", "Licenses", "licenses"],
  ["/portal/air-gap", "Without a network", "files"],
  ["/portal/requests", "Requests", "ask"],
  ["/portal/contacts", "Contacts", "contacts"],
  ["/portal/events", "What happened", "contacts"],
];

/** The pages of licenses and seats have no list of their own in their path. */
const isUnder = (href: string, path: string): boolean =>
  href === "/portal" ? /^\/portal\/(?:licenses|seats)\//.test(path) : path.startsWith(`${href}/`);

const currentAt = (href: string, path: string) =>
  path === href ? "page" : isUnder(href, path) ? "true" : undefined;

const Sections: FC<{ visit: Visit }> = ({ visit: { http, may } }) => {
  const shown = SECTIONS.filter(([, , access]) => may(access));
  // Whoever signed in by a key has one section.
  if (shown.length === 1) return null;
  return (
    <nav class="sections" aria-label="Main">
      {shown.map(([href, label]) => (
        <a href={href} aria-current={currentAt(href, http.req.path)}>
          {label}
        </a>
      ))}
    </nav>
  );
};

interface DocumentProps {
  config: Config;
  /** Null if nobody is signed in. */
  visit: Visit | null;
  title: string;
  body: Child;
}

export const Document: FC<DocumentProps> = ({ config, visit, title, body }) => (
  <html lang="en">
    <Head title={title} config={config} />
    {visit ? (
      <body class="site">
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <Bar visit={visit} />
        <Sections visit={visit} />
        <main id="content">{body}</main>
      </body>
    ) : (
      <body class="alone">
        <main id="content">{body}</main>
      </body>
    )}
  </html>
);
