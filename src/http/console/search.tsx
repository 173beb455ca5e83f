// /admin/search: one search over everything. A pasted license key or certificate leads to its license.
import type { Child, FC } from "hono/jsx";
import * as z from "zod/mini";
import { displayNameOf, personOf } from "../../licensing/customers/display-name.ts";
import { presentLicense } from "../../licensing/licenses/licenses.ts";
import { FOUND, isDocument, licenseOfDocument, searchEverything } from "../search.ts";
import { SearchText } from "../../kernel/inputs.ts";
import { type Entry, parsed } from "../ui/entry.ts";
import { Refusal } from "../ui/refusal.tsx";
import { Card, StandingBadge, When } from "../ui/show.tsx";
import { Heading } from "../ui/heading.tsx";
import { Find } from "./layout.tsx";
import type { Inquiry, View } from "./mount.tsx";
import { Timeline } from "./parts/events.tsx";
import { seatPath } from "./parts/seats.tsx";
import type { Visit } from "./visit.ts";

type Found = Awaited<ReturnType<typeof searchEverything>>;

interface Hit {
  href: string;
  what: Child;
  more: Child;
  aside?: Child;
}

const line = (...parts: (string | null)[]): string => parts.filter(Boolean).join(" · ");

const Hits: FC<{ title: string; hits: Hit[]; all?: string }> = ({ title, hits, all }) =>
  hits.length === 0 ? null : (
    <Card
      title={title}
      actions={all !== undefined && hits.length >= FOUND ? <a href={all}>All that match</a> : null}
    >
      <ul class="list">
        {hits.map(({ href, what, more, aside }) => (
          <li>
            <span class="what">
              <a href={href} data-hit>
                {what}
              </a>{" "}
              <span class="soft">{more}</span>
            </span>
            <span>{aside}</span>
          </li>
        ))}
      </ul>
    </Card>
  );

const Results: FC<{ found: Found; q: string; now: number }> = ({ found, q, now }) => {
  const query = `?q=${encodeURIComponent(q)}`;
  return (
    <>
      <Hits
        title="Customers"
        all={`/admin/customers${query}`}
        hits={found.customers.map((customer) => ({
          href: `/admin/customers/${customer.id}`,
          what: displayNameOf(customer),
          more: line(personOf(customer), customer.email, customer.id),
        }))}
      />
      <Hits
        title="Licenses"
        all={`/admin/licenses${query}`}
        hits={found.licenses.map(({ license, customer }) => ({
          href: `/admin/licenses/${license.id}`,
          what: `${displayNameOf(customer)}, ${license.license_type}`,
          more: line(personOf(customer), license.id),
          aside: <StandingBadge standing={presentLicense(license, now).standing} />,
        }))}
      />
      <Hits
        title="Instances"
        all={`/admin/instances${query}`}
        hits={found.instances.map(({ activation, ...customer }) => ({
          href: seatPath(activation.id),
          what: activation.instance_id,
          more: line(activation.hostname, activation.ip, displayNameOf(customer)),
          aside: <When at={activation.last_seen_at} now={now} />,
        }))}
      />
      <Hits
        title="Refused"
        hits={found.refusals.map(({ license_id, instance_id, hostname, ip, code, at, ...customer }) => ({
          href: `/admin/licenses/${license_id}#refused`,
          what: instance_id,
          more: line(code, hostname, ip, displayNameOf(customer)),
          aside: <When at={at} now={now} />,
        }))}
      />
      <Hits
        title="Messages"
        hits={found.messages.map(({ id, subject, recipient, status, created_at }) => ({
          href: `/admin/messages/${id}`,
          what: subject,
          more: line(recipient, status),
          aside: <When at={created_at} now={now} />,
        }))}
      />
      {found.events.length === 0 ? null : (
        <Card title="What the request did">
          <Timeline events={found.events} now={now} about full />
        </Card>
      )}
    </>
  );
};

const viewOf = (visit: Visit, q: string, body: Child): View => ({
  title: q === "" ? "Search" : `Search: ${q}`,
  body: (
    <>
      <Heading
        title="Search"
        lead={
          q === ""
            ? "Names, addresses, ids, hosts, tags, references, request ids; or paste a license key or a certificate."
            : undefined
        }
      />
      <Find visit={visit} label="Search everything" value={q} autofocus={q === ""} />
      {body}
    </>
  ),
});

const none = (what: string): Child => (
  <Card>
    <p class="empty">{what}</p>
  </Card>
);

const termOf = (entry: Entry): string => parsed(z.object({ q: SearchText }), { q: entry.text("q") ?? "" }).q;

async function results(visit: Visit, q: string): Promise<View> {
  const { context, now } = visit;
  const found = await searchEverything(context, q);
  const isEmpty = Object.values(found).every((part) => part.length === 0);
  return viewOf(
    visit,
    q,
    isEmpty ? (
      none("Nothing is found. A search finds what begins with these words.")
    ) : (
      <Results found={found} q={q} now={now} />
    ),
  );
}

const ofDocument = (visit: Visit, id: string | null): View =>
  viewOf(
    visit,
    "",
    id === null ? (
      none("This is no license key or certificate that this service signed.")
    ) : (
      <p>
        This is of the license <a href={`/admin/licenses/${encodeURIComponent(id)}`}>{id}</a>.
      </p>
    ),
  );

export const search: Inquiry = {
  path: "/admin/search",
  access: "read",
  async show(visit, entry) {
    const text = entry.text("q") ?? "";
    if (entry.problem) return viewOf(visit, "", <Refusal problem={entry.problem} />);
    if (text === "") return viewOf(visit, "", null);
    // Only who wrote the address by hand comes here with a key.
    if (isDocument(text)) return ofDocument(visit, await licenseOfDocument(visit.context, text));
    return results(visit, termOf(entry));
  },
  async answer(visit, entry) {
    const text = entry.text("q") ?? "";
    if (isDocument(text)) {
      const id = await licenseOfDocument(visit.context, text);
      if (id !== null) return visit.http.redirect(`/admin/licenses/${encodeURIComponent(id)}`, 303);
      return ofDocument(visit, id);
    }
    const query = text === "" ? "" : `?q=${encodeURIComponent(termOf(entry))}`;
    return visit.http.redirect(`/admin/search${query}`, 303);
  },
};
