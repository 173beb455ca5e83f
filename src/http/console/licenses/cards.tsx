// The parts of a license's page: what it is at one look, the rest of its terms, its instances, their usage, its mail.
import type { FC } from "hono/jsx";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import type { presentLicense } from "../../../licensing/licenses/licenses.ts";
import type { Entitlements, KeptRefusal } from "../../../storage/schema.ts";
import { ShownEntitlements } from "../parts/entitlements.tsx";
import type { Customer } from "../customers/customer.tsx";
import { ShownMetadata } from "../parts/metadata.tsx";
import { ShownNotes } from "../parts/noted.tsx";
import { seatColumns, seatPath, type ShownSeat } from "../parts/seats.tsx";
import { Meter } from "../../ui/seats.tsx";
import { Badge, Card, type Column, Facts, formatLimit, plural, Table, When } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

export type ShownLicense = ReturnType<typeof presentLicense>;

/** The days of notice of its own; nothing where it has those of its type. */
const noticesOf = (days: number[] | null): string | null =>
  days === null ? null : days.length === 0 ? "none" : `${days.join(", ")} days before its end`;

/** What a license is, at one look. */
export const Hero: FC<{ license: ShownLicense; taken: number; now: number }> = ({ license, taken, now }) => (
  <dl class="hero">
    <div>
      <dt>Plan</dt>
      <dd>{license.license_type}</dd>
    </div>
    <div>
      <dt>{license.expires_at !== null && Date.parse(license.expires_at) <= now ? "Ended" : "Ends"}</dt>
      <dd>{license.expires_at === null ? "never" : <When at={license.expires_at} now={now} as="end" />}</dd>
    </div>
    <div>
      <dt>Seats</dt>
      <dd>
        <Meter used={taken} limit={license.max_instances} label="Seats" />
      </dd>
    </div>
  </dl>
);

export const Terms: FC<{
  license: ShownLicense;
  held: Entitlements;
  customer: Customer;
  now: number;
}> = ({ license, held, customer, now }) => (
  <Card title="Terms">
    <Facts
      rows={[
        [
          "Customer",
          <>
            <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>
            <span class="second">
              {personOf(customer) === null ? null : `${personOf(customer)} · `}
              <code>{customer.id}</code>
            </span>
          </>,
        ],
        ["Issued", <When at={license.issued_at} now={now} />],
        ["Starts", license.starts_at === null ? null : <When at={license.starts_at} now={now} as="start" />],
        ["Grace", license.grace_days === 0 ? "none" : plural(license.grace_days, "day")],
        ["Services", formatLimit(license.max_services)],
        ["Requests a day", formatLimit(license.max_requests_per_day)],
        [
          "Covers versions",
          license.updates_until === null ? null : (
            <>
              built until <When at={license.updates_until} now={now} as="end" />
            </>
          ),
        ],
        ["Notices", noticesOf(license.notice_days)],
        [
          "Features",
          <div class="badges">
            {license.features.length === 0
              ? "none"
              : license.features.map((feature) => <Badge tone="plain">{feature}</Badge>)}
          </div>,
        ],
        ["Entitlements", Object.keys(held).length === 0 ? null : <ShownEntitlements held={held} now={now} />],
      ]}
    />
    <details>
      <summary>Technical terms</summary>
      <Facts
        rows={[
          ["Lease", plural(license.lease_days, "day")],
          ["Check-in every", plural(license.check_in_hours, "hour")],
          ["Unproven lease", plural(license.unproven_lease_hours, "hour")],
          [
            "Suspected clones",
            license.clone_policy === "refuse" ? "refused without proof" : "reported to staff",
          ],
          ["Key revision", license.revision],
        ]}
      />
    </details>
    <ShownNotes path="/admin/licenses" noted={license} />
    <ShownMetadata metadata={license.metadata} />
  </Card>
);

/**
 * The seat to free first where none is left: of those that have a network, the one whose instance was silent longest.
 * Null if there is but one, or if seats are left.
 */
function bestToFree(seats: ShownSeat[], taken: number, max: number | null): string | null {
  if (max === null || taken < max) return null;
  const holding = seats.filter(({ active, by_file, freed_at }) => active && !by_file && freed_at === null);
  if (holding.length < 2) return null;
  return holding.reduce((one, other) => (other.last_seen_at < one.last_seen_at ? other : one)).id;
}

/** The link to free a seat, for those who may. @param best the seat to free first */
const freeing = (visit: Visit, best: string | null): Column<ShownSeat>[] =>
  visit.can("activations")
    ? [
        {
          label: "Free the seat",
          head: "",
          cell: ({ id, instance_id, active }) =>
            active ? (
              <>
                {id === best ? <Badge tone="warn">silent longest</Badge> : null}{" "}
                <a
                  class="button small"
                  href={`${seatPath(id)}/free`}
                  aria-label={`Free the seat of ${instance_id}`}
                  data-dialog
                >
                  Free
                </a>
              </>
            ) : (
              ""
            ),
        },
      ]
    : [];

export const Instances: FC<{
  visit: Visit;
  license: ShownLicense;
  seats: ShownSeat[];
  taken: number;
  more: boolean;
  /** When the present key took the place of another. */
  replacedAt: number | null;
}> = ({ visit, license, seats, taken, more, replacedAt }) => (
  <Card title="Instances">
    {replacedAt === null || !seats.some(({ active }) => active) ? null : (
      <p>
        Revision {license.revision} of the key took the place of another{" "}
        <When at={replacedAt} now={visit.now} />.{" "}
        {seats.some(({ old_key }) => old_key !== "no")
          ? `Not on it yet: ${seats
              .filter(({ old_key }) => old_key !== "no")
              .map(({ instance_id }) => instance_id)
              .join(", ")}.`
          : "All instances below have it."}
      </p>
    )}
    <Table
      caption="Instances"
      piled
      rows={seats}
      empty="No instance has activated yet."
      columns={[
        ...seatColumns(visit.now),
        ...freeing(visit, bestToFree(seats, taken, license.max_instances)),
      ]}
    />
    {more ? <a href={`/admin/instances?license_id=${license.id}`}>All instances of this license</a> : null}
  </Card>
);

/** Why installations do not start; nothing where none was refused. */
export const Refused: FC<{ refusals: KeptRefusal[]; now: number }> = ({ refusals, now }) =>
  refusals.length === 0 ? null : (
    <Card title="Lately refused" id="refused">
      <Table
        caption="The last refusals"
        piled
        rows={refusals}
        empty=""
        columns={[
          {
            label: "Instance",
            main: true,
            cell: ({ instance_id, hostname, ip }) => (
              <>
                {instance_id}
                <span class="second">{[hostname, ip].filter((one) => one !== null).join(", ")}</span>
              </>
            ),
          },
          { label: "Refused with", cell: ({ code }) => <code>{code}</code> },
          { label: "When", cell: ({ at }) => <When at={at} now={now} time /> },
        ]}
      />
    </Card>
  );
