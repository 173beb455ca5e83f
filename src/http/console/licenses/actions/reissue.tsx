// /admin/licenses/{id}/reissue
import type { FC } from "hono/jsx";
import { previewReissue, Reissue, reissueLicense } from "../../../../licensing/instances/reissue.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { Checkbox, faultOf, Field } from "../../../ui/form.tsx";
import { plural, Table, When } from "../../../ui/show.tsx";
import type { Form } from "../../mount.tsx";
import { seatPath } from "../../parts/seats.tsx";
import { idOf } from "../../visit.ts";
import { effectOf, openLicense } from "./meanwhile.tsx";
import { actionView, pathOf, Reason } from "./action.tsx";

const DEFAULT_HOURS = 72;

type Running = Awaited<ReturnType<typeof previewReissue>>["instances"];

/** The instances that run, each with a box to free its seat. */
const Seats: FC<{ entry: Entry; running: Running; now: number }> = ({ entry, running, now }) => {
  const { active, listed } = running;
  const fault = faultOf({ entry, name: "free", label: "Free" });
  if (active === 0) return <p>No instance holds a seat now.</p>;
  return (
    <div id="free">
      <p>
        {plural(active, "instance")} {active === 1 ? "holds" : "hold"} a seat. Free those that are not the
        customer’s: somebody who found the key may be among them, such as the last to activate or one without
        proof.
      </p>
      {fault ? <p class="fault">{fault}</p> : null}
      <Table
        caption="Instances that hold a seat"
        piled
        rows={listed}
        empty=""
        columns={[
          {
            label: "Free",
            head: (
              <label class="check">
                <input type="checkbox" class="script" data-all aria-label="All seats" />
                <span>Free</span>
              </label>
            ),
            cell: (seat) => (
              <Checkbox
                name="free"
                value={seat.activation_id}
                checked={entry.all("free").includes(seat.activation_id)}
                disabled={seat.freed}
              >
                <span class="unseen">Free the seat of {seat.instance_id}</span>
              </Checkbox>
            ),
          },
          {
            label: "Instance",
            main: true,
            cell: (seat) => (
              <>
                <a href={seatPath(seat.activation_id)}>{seat.instance_id}</a>
                <span class="second">{[seat.hostname, seat.ip].filter(Boolean).join(", ")}</span>
              </>
            ),
          },
          { label: "Activated", cell: (seat) => <When at={seat.activated_at} now={now} /> },
          { label: "Last seen", cell: (seat) => <When at={seat.last_seen_at} now={now} />, minor: true },
          {
            label: "Last request",
            cell: (seat) =>
              seat.freed ? "freed" : seat.offline ? "by file" : seat.proven ? "with proof" : "without proof",
          },
        ]}
      />
      {active > listed.length ? <p class="soft">and {plural(active - listed.length, "other")}</p> : null}
    </div>
  );
};

export const reissue: Form = {
  path: "/admin/licenses/{id}/reissue",
  access: "licenses",
  async show(visit, entry) {
    const id = idOf(visit);
    const [{ held, changes }, preview] = await Promise.all([
      openLicense(visit, entry),
      effectOf(entry, previewReissue(visit.context, id, { unproven_hours: DEFAULT_HOURS })),
    ]);
    const { revision } = held.license;
    const lead = `For a key that leaked. Revision ${revision} is refused from then on, revision ${revision + 1} takes its place.`;
    return actionView(
      visit,
      entry,
      held,
      { action: "reissue", title: "Replace key", lead, submit: "Replace key", tone: "danger" },
      <>
        <p>
          Running instances with our clients switch by themselves at their next check-in, with the certificate
          that they hold. New installations need the new key.
        </p>
        {preview === null ? null : <Seats entry={entry} running={preview.instances} now={visit.now} />}
        <Field
          entry={entry}
          name="unproven_hours"
          label="Hours for instances without proof"
          type="number"
          min={0}
          max={336}
          value={DEFAULT_HOURS}
          hint="How long the replaced key still renews running instances that send no certificate. They do not get the new key. 0: not at all."
        />
        <Reason entry={entry} placeholder="The key was posted in a public forum." first={false} />
      </>,
      changes,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Reissue, {
      reason: entry.text("reason") ?? "",
      free: entry.has("free") ? entry.all("free") : undefined,
      unproven_hours: entry.number("unproven_hours"),
    });
    await reissueLicense(visit.context, idOf(visit), input, entry.text("version"));
    return { to: `${pathOf(visit)}/key?done=reissued` };
  },
};
