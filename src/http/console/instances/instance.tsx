// /admin/instances/{id}: one instance in full, and taking its seat back.
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { licenseIdOf } from "../../../licensing/seats/ids/activation-ids.ts";
import { endActivation, getActivation } from "../../../licensing/instances/instances.ts";
import { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form, Page } from "../mount.tsx";
import { Checkbox, PostForm, Submit } from "../../ui/form.tsx";
import { SeatBadges, seatPath, type ShownSeat, shownSeat } from "../parts/seats.tsx";
import { Card, Facts, formatCount, plural, Table, When } from "../../ui/show.tsx";
import { idOf, type Visit } from "../visit.ts";

const DONE: Record<string, string> = {
  freed: "The seat is free.",
  held: "The seat is freed. It counts until the file of its installation ends.",
  cleared: "The clone mark is cleared.",
};

const seatOf = async (visit: Visit): Promise<ShownSeat> =>
  shownSeat(await getActivation(visit.context, idOf(visit)), visit.now);

const INSTANCES: [string, string] = ["/admin/instances", "Instances"];

const Warnings = ({ seat, now }: { seat: ShownSeat; now: number }) => (
  <>
    {seat.clone_suspected_at === null ? null : (
      <p class="note stop">
        <When at={seat.clone_suspected_at} now={now} />: two places seem to use this id. Twice in a row it
        sent a certificate older than its latest, or a request without one came from another place on the same
        day. It is probably a copied machine or volume, or somebody else who has the key. Each instance needs
        its own id.
      </p>
    )}
    {seat.unproven.length === 0 ? null : (
      <p class="note warn">
        In the last seven days{" "}
        {plural(
          seat.unproven.reduce((sum, { requests }) => sum + requests, 0),
          "request",
        )}{" "}
        came without its certificate: an installation that keeps no state, or somebody who has the key.
      </p>
    )}
    {seat.fingerprint_changed_at === null ? null : (
      <p class="note warn">
        It reported another fingerprint than before, <When at={seat.fingerprint_changed_at} now={now} />:
        other hardware, or another installation under the same id.
      </p>
    )}
  </>
);

export const instancePage: Page = {
  path: "/admin/instances/{id}",
  access: "read",
  async show(visit) {
    const { context, now, can, query } = visit;
    const [seat, { customer }] = await Promise.all([
      seatOf(visit),
      getLicenseAndCustomer(context, licenseIdOf(idOf(visit))),
    ]);
    const ip = seat.by_file ? null : seat.ip;
    const labels = Object.entries(seat.labels ?? {});
    const when = (at: string | null) => at && <When at={at} now={now} time />;
    return {
      title: seat.instance_id,
      section: "instances",
      body: (
        <>
          <Heading
            trail={[INSTANCES]}
            title={seat.instance_id}
            lead={<SeatBadges seat={seat} now={now} />}
            done={DONE[query["done"] ?? ""]}
            actions={
              can("activations") ? (
                <>
                  {seat.clone_suspected_at === null ? null : (
                    <a class="button" href={`${seatPath(seat.id)}/clear-clone`} data-dialog>
                      Not a clone
                    </a>
                  )}
                  {seat.active ? (
                    <a class="button danger" href={`${seatPath(seat.id)}/free`} data-dialog>
                      Free the seat
                    </a>
                  ) : null}
                </>
              ) : null
            }
          />
          <Warnings seat={seat} now={now} />
          <Card title="Seat">
            <Facts
              rows={[
                ["Customer", <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>],
                [
                  "License",
                  <a href={`/admin/licenses/${seat.license_id}`}>
                    <code>{seat.license_id}</code>
                  </a>,
                ],
                ["Activated", when(seat.activated_at)],
                [seat.by_file ? "Last file" : "Last seen", when(seat.last_seen_at)],
                // Without a network it is not expected; the address is that of the person who uploaded the file.
                ["Expected next", seat.active && !seat.by_file ? when(seat.check_in_at) : null],
                ["Lease ends", seat.ended_at === null ? when(seat.lease_expires_at) : null],
                ["Proven until", seat.ended_at === null && !seat.by_file ? when(seat.proven_until) : null],
                ["Freed", when(seat.freed_at)],
                ["Ended", when(seat.ended_at)],
                ["Same key since", when(seat.key_since)],
                ["Activation", <code>{seat.id}</code>],
                ["Replaces", seat.replaces && <code>{seat.replaces}</code>],
              ]}
            />
          </Card>
          <div class="columns">
            <Card title="Installation">
              <Facts
                rows={[
                  ["Host name", seat.hostname],
                  ["Version", seat.app_version],
                  ["IP address", ip],
                  ["Fingerprint", seat.fingerprint && <code>{seat.fingerprint}</code>],
                  ...labels.map(([name, value]) => [name, value] as const),
                ]}
              />
              {labels.length > 0 || seat.hostname || seat.app_version || ip || seat.fingerprint ? null : (
                <p class="empty">It reports nothing about itself.</p>
              )}
            </Card>
            <Card title="Usage of the last day reported">
              {seat.usage ? (
                <Facts
                  rows={[
                    ["Day", seat.usage.date],
                    ["Requests", formatCount(seat.usage.requests)],
                    ["Services", formatCount(seat.usage.services)],
                  ]}
                />
              ) : (
                <p class="empty">No usage was reported yet.</p>
              )}
            </Card>
          </div>
          {seat.unproven.length === 0 ? null : (
            <Card title="Requests without its certificate">
              <Table
                caption="Requests without its certificate, by the day"
                empty="None."
                rows={seat.unproven}
                columns={[
                  { label: "Day", main: true, cell: ({ date }) => date },
                  { label: "Requests", cell: ({ requests }) => formatCount(requests) },
                  { label: "Last", cell: ({ last_at }) => <When at={last_at} now={now} time /> },
                  {
                    label: "From",
                    cell: (day) => [day.hostname, day.ip].filter(Boolean).join(", ") || "–",
                  },
                ]}
              />
            </Card>
          )}
        </>
      ),
    };
  },
};

export const freeSeat: Form = {
  path: "/admin/instances/{id}/free",
  access: "activations",
  async show(visit, entry) {
    const seat = await seatOf(visit);
    const here = seatPath(seat.id);
    return {
      title: "Free the seat",
      section: "instances",
      body: (
        <>
          <Heading
            trail={[INSTANCES, [here, seat.instance_id]]}
            title={`Free the seat of ${seat.instance_id}?`}
          />
          <Card>
            <PostForm visit={visit} entry={entry}>
              {seat.active ? (
                <>
                  {seat.offline ? (
                    <>
                      <p>
                        It has no network, and its file is valid until{" "}
                        <When at={seat.lease_expires_at} now={visit.now} />: without the receipt that it signs
                        when it stops, the seat counts until then.
                      </p>
                      <Checkbox name="force" checked={entry.has("force")}>
                        It certainly no longer runs: free the seat at once
                      </Checkbox>
                    </>
                  ) : (
                    <p>
                      The seat is free for another instance at once. This one is told at its next check-in.
                      Until then its certificate stays valid, at most until{" "}
                      <When at={seat.lease_expires_at} now={visit.now} />.
                    </p>
                  )}
                  <p class="soft">
                    It may activate itself again while a seat is free. To stop it for good, suspend or revoke
                    the license.
                  </p>
                  <Submit tone="danger" back={here}>
                    Free the seat
                  </Submit>
                </>
              ) : (
                <>
                  <p>It no longer holds a seat.</p>
                  <a class="button" href={here} data-close>
                    Back
                  </a>
                </>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    await endActivation(visit.context, idOf(visit), { force: entry.has("force") });
    const { active, id } = await seatOf(visit);
    return { to: `${seatPath(id)}?done=${active ? "held" : "freed"}` };
  },
};
