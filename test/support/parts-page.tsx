// All that pages are made of, once: `npm run parts` shows it, and parts.spec.ts keeps it. Not part of the Worker.
import { html } from "hono/html";
import type { Child, FC } from "hono/jsx";
import { BarChart } from "../../src/http/ui/charts.tsx";
import { Copyable, CopyableId } from "../../src/http/ui/copyable.tsx";
import { Entry } from "../../src/http/ui/entry.ts";
import {
  Checkbox,
  Choices,
  Field,
  Filters,
  PostForm,
  Select,
  Submit,
  TextArea,
} from "../../src/http/ui/form.tsx";
import { Heading } from "../../src/http/ui/heading.tsx";
import { Meter, Seats } from "../../src/http/ui/seats.tsx";
import { Badge, Card, Facts, formatEnd, Pager, StandingBadge, Table, When } from "../../src/http/ui/show.tsx";
import type { Standing } from "../../src/licensing/licenses/standing.ts";
import { requestInvalid } from "../../src/problems.ts";

const NOW = Date.UTC(2026, 10, 29, 12);
const DAY = 86_400_000;

const STANDINGS: Standing[] = ["active", "expiring", "grace", "expired", "scheduled", "suspended", "revoked"];

const LONG = "Rheinmetall-Zulieferer Kaltenbach und Söhne Gesellschaft mit beschränkter Haftung";

const ROWS = STANDINGS.map((standing, n) => ({
  id: `lic_01M8M13WF1G0FVD8837QD5V74${n}`,
  company: n === 3 ? LONG : `Company ${n + 1}`,
  standing,
  ends: NOW + (n - 2) * 20 * DAY,
  seated: n,
  max: n === 0 ? null : 4,
}));

const Buttons: FC = () => (
  <Card title="Buttons">
    {[false, true].map((isSmall) => (
      <p class="actions">
        {["primary", "", "quiet", "danger", "quiet danger"].map((look) => (
          <button type="button" class={`${look}${isSmall ? " small" : ""}`}>
            {look === "" ? "plain" : look}
          </button>
        ))}
        <button type="button" class={isSmall ? "small" : ""} disabled>
          disabled
        </button>
        <button type="button" class={isSmall ? "primary small" : "primary"} aria-busy="true">
          busy
        </button>
        <a class={isSmall ? "button small" : "button"} href="#chosen" aria-current="true">
          chosen
        </a>
      </p>
    ))}
  </Card>
);

const Badges: FC = () => (
  <Card title="Badges">
    <p class="badges">
      {STANDINGS.map((standing) => (
        <StandingBadge standing={standing} />
      ))}
    </p>
    <p class="badges">
      <Badge tone="info">sent</Badge>
      <Badge tone="good">delivered</Badge>
      <Badge tone="stop">bounced</Badge>
      <Badge tone="plain">skipped</Badge>
      <span class="count">3</span>
    </p>
  </Card>
);

const Notices: FC = () => (
  <Card title="Notices">
    <p class="note">Plain: this is kept for 12 hours.</p>
    <p class="note good">Good: the license is renewed.</p>
    <p class="note warn">Warning: mail to this address came back.</p>
    <p class="note stop">Stop: two places seem to use this id.</p>
    <p class="empty">
      No customer is here yet. <a href="#form">Add the first one</a>
    </p>
  </Card>
);

const fieldsOf = (entry: Entry, id: string): Child => (
  <>
    <Field entry={entry} name={`${id}-name`} label="Name" hint="As it stands on the contract." />
    <div class="pair">
      <Field entry={entry} name={`${id}-seats`} label="Instances" type="number" min={1} />
      <Field
        entry={entry}
        name={`${id}-hours`}
        label="A label that takes two lines where it has no room"
        type="number"
        hint="With a hint."
      />
      <Field entry={entry} name={`${id}-day`} label="Last day" type="date" />
    </div>
    <Select
      entry={entry}
      name={`${id}-type`}
      label="Type"
      options={[
        ["standard", "Standard"],
        ["trial", "Trial"],
      ]}
    />
    <Choices
      entry={entry}
      name={`${id}-ends`}
      legend="Ends after"
      value="year"
      options={[
        ["month", "30 days"],
        ["year", "1 year"],
      ]}
    />
    <TextArea entry={entry} name={`${id}-notes`} label="Notes" />
    <Checkbox name={`${id}-mail`} checked>
      Mail the key to the customer
    </Checkbox>
  </>
);

const Forms: FC = () => {
  const faults = [
    { path: "bad-name", message: "Must not be empty" },
    { path: "bad-hours", message: "Must be at least 1" },
    { path: "bad-ends", message: "Must be one of these" },
  ];
  const refused = new Entry([["bad-hours", "0"]]).refused(requestInvalid(faults));
  const visit = { formToken: "token" };
  return (
    <div class="columns">
      <Card title="A form" id="form">
        <PostForm visit={visit} entry={new Entry()}>
          {fieldsOf(new Entry(), "good")}
          <Submit back="#form">Save</Submit>
        </PostForm>
      </Card>
      <Card title="A form that was refused">
        <PostForm visit={visit} entry={refused}>
          {fieldsOf(refused, "bad")}
          <Submit back="#form" tone="danger">
            Revoke license
          </Submit>
        </PostForm>
      </Card>
    </div>
  );
};

const Tables: FC = () => (
  <Card title="A list">
    <Filters label="Licenses" reset="#list" isFiltered>
      <Field entry={new Entry()} name="q" label="Search" type="search" placeholder="Name or id" />
    </Filters>
    <Table
      caption="Licenses"
      list
      rows={ROWS}
      empty="None."
      columns={[
        {
          label: "License",
          main: true,
          cell: ({ company, id }) => (
            <>
              <a href={`#${id}`}>{company}</a> <span class="second">Marie Curie</span>
            </>
          ),
        },
        { label: "Id", minor: true, cell: ({ id }) => <CopyableId id={id} /> },
        { label: "Standing", cell: ({ standing }) => <StandingBadge standing={standing} /> },
        {
          label: "Ends",
          minor: true,
          sort: { href: "#ends", order: "ascending" },
          cell: ({ ends }) => <When at={ends} now={NOW} as="end" />,
        },
        {
          label: "Seats",
          numeric: true,
          cell: ({ seated, max }) => <Seats seated={seated} max={max} />,
        },
      ]}
    />
    <Pager path="#list" query={{}} next="next" count={ROWS.length} total={{ count: 120, isMore: false }} />
    <Table caption="An empty list" rows={[]} columns={[]} empty="Nothing is like this." />
  </Card>
);

const Facets: FC = () => (
  <>
    <div class="figures">
      {[
        [233, "active licenses"],
        [1, "in grace"],
      ].map(([value, label]) => (
        <a class="figure" href="#figure">
          <b>{value}</b>
          <span class="label">{label}</span>
        </a>
      ))}
    </div>
    <Card title="Facts and meters" actions={<a href="#facts">All of them</a>}>
      <Facts
        rows={[
          ["Customer", LONG],
          ["Ends", formatEnd(NOW)],
          ["Last seen", <When at={NOW - 3 * DAY} now={NOW} time />],
          ["Certificate", <code>act_01M8M13WF1G0FVD8837QD5V742_JF5AA865GM</code>],
        ]}
      />
      {[1, 4, 5].map((used) => (
        <p>
          <Meter used={used} limit={4} label="Seats" />
        </p>
      ))}
      <Copyable id="key" text="eyJhbGciOiJFZERTQSJ9" label="License key" />
    </Card>
    <Card title="A chart">
      <BarChart
        title="Requests by day"
        columns={["Day", "Requests"]}
        limit={1_000}
        empty="Nothing in this time."
        bars={Array.from({ length: 30 }, (_, n) => ({
          name: `Day ${n + 1}`,
          tick: n % 7 === 3 ? `Nov ${n}` : undefined,
          value: (n * 137) % 1_200,
          href: "#day",
        }))}
      />
    </Card>
    <Card title="A timeline">
      <ol class="timeline">
        {["License issued", "Suspended", "Reinstated"].map((what, n) => (
          <li>
            <strong>{what}</strong>
            <div class="soft">
              <When at={NOW - n * DAY} now={NOW} time /> · by <a href="#who">Grace Hopper</a>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  </>
);

const Parts: FC = () => (
  <html lang="en" class="js">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Parts · CAIO Licensing</title>
      <link rel="icon" href="/admin/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/admin/assets/console.css" />
    </head>
    <body class="site">
      <main id="content">
        <Heading
          title="Parts"
          lead="All that pages are made of."
          trail={[["#content", "Development"]]}
          done="Done."
        />
        <Buttons />
        <Badges />
        <Notices />
        <Facets />
        <Tables />
        <Forms />
        {/* In its place on the page, so that it covers nothing. */}
        <dialog open style="position: static" aria-labelledby="asks">
          <div class="heading">
            <h2 id="asks">A dialog: suspend the license?</h2>
          </div>
          <p class="note stop">2 instances would be refused at the next check-in.</p>
          <div class="submit">
            <button type="button" class="danger">
              Suspend license
            </button>
            <a class="button quiet" href="#content">
              Cancel
            </a>
          </div>
        </dialog>
      </main>
    </body>
  </html>
);

/** The page. */
export const render = async (): Promise<string> => String(await html`<!doctype html>${<Parts />}`);
