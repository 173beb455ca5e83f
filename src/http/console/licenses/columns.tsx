// The columns of the list of licenses.
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { presentLicense } from "../../../licensing/licenses/licenses.ts";
import type { LicenseInUse } from "../../../licensing/licenses/search/license-uses.ts";
import { CopyableId } from "../../ui/copyable.tsx";
import { sorting } from "../../ui/list.tsx";
import { Seats } from "../../ui/seats.tsx";
import { type Column, StandingBadge, When } from "../../ui/show.tsx";
import { KINDS, MessageStatus } from "../messages/list.tsx";

export const LICENSES = "/admin/licenses";

/** The name of the column that costs reading the mail of each license. */
export const MAIL = "mail";

export const shown = ({ license, ...use }: LicenseInUse, now: number) => ({
  ...use,
  ...presentLicense(license, now),
});

type Shown = ReturnType<typeof shown>;

/** A search has an order of its own, and what ends or starts at some time is found in the order of that time. */
const isByIssue = ({ q, standing = "", expiring_within_days }: Record<string, string>): boolean =>
  q === undefined &&
  expiring_within_days === undefined &&
  !["expiring", "grace", "expired", "scheduled"].includes(standing);

const sortingByEnd = (query: Record<string, string>) =>
  sorting(
    LICENSES,
    isByIssue(query) || query["standing"] === "scheduled" || query["customer_id"] !== undefined
      ? query
      : { ...query, sort: query["sort"] === "ending_last" ? "ending_last" : "ending" },
    { ascending: "ending", descending: "ending_last" },
  );

/** Whether the customer was told of the end, and what became of the last mail. */
const mailColumn = (now: number): Column<Shown> => ({
  name: MAIL,
  extra: true,
  minor: true,
  label: "Last mail",
  cell: ({ mail, expires_at }) =>
    mail === undefined ? null : (
      <>
        {mail.last === null ? (
          <span class="soft">none</span>
        ) : (
          <>
            <a href={`/admin/messages/${mail.last.id}`}>{KINDS[mail.last.kind]}</a>{" "}
            <MessageStatus status={mail.last.status} />
            <span class="second">
              <When at={mail.last.created_at} now={now} />
            </span>
          </>
        )}
        {mail.told || expires_at === null ? null : <span class="second">Not told of its end.</span>}
      </>
    ),
});

export const licenseColumns = (now: number, query: Record<string, string>): Column<Shown>[] => [
  {
    label: "License",
    main: true,
    cell: (license) => (
      <>
        <a href={`/admin/licenses/${license.id}`}>{displayNameOf(license.customer)}</a>
        <span class="second">{personOf(license.customer)}</span>
      </>
    ),
  },
  { name: "id", label: "Id", cell: ({ id }) => <CopyableId id={id} />, minor: true },
  { name: "standing", label: "Standing", cell: ({ standing }) => <StandingBadge standing={standing} /> },
  { name: "type", label: "Type", cell: ({ license_type }) => license_type, minor: true },
  {
    name: "issued",
    label: "Issued",
    cell: ({ issued_at }) => <When at={issued_at} now={now} />,
    minor: true,
    spare: true,
    ...(isByIssue(query) ? { sort: sorting(LICENSES, query, { ascending: "oldest", descending: "" }) } : {}),
  },
  {
    name: "ends",
    label: "Ends",
    ...(query["q"] === undefined ? { sort: sortingByEnd(query) } : {}),
    cell: ({ expires_at }) => <When at={expires_at} now={now} none="perpetual" as="end" />,
  },
  {
    name: "seats",
    label: "Seats",
    cell: ({ seated, max_instances: max }) => <Seats seated={seated} max={max} />,
    numeric: true,
    minor: true,
  },
  {
    name: "starts",
    label: "Starts",
    cell: ({ starts_at }) => <When at={starts_at} now={now} none="at once" as="start" />,
    minor: true,
    extra: true,
  },
  { name: "tags", label: "Tags", cell: ({ tags }) => tags.join(", "), long: true, minor: true, extra: true },
  mailColumn(now),
];

export const select = (chosen: boolean): Column<Shown>[] =>
  chosen
    ? [
        {
          label: "Select",
          head: <input type="checkbox" class="script" data-all aria-label="All on this page" />,
          cell: ({ id }) => <input type="checkbox" name="id" value={id} aria-label={`Select ${id}`} />,
        },
      ]
    : [];
