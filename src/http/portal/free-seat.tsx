// /portal/seats/{id}/free: gives the seat of an installation back.
import { freeSeat, ownLicense, ownSeat } from "../../licensing/portal/own.ts";
import { licenseIdOf } from "../../licensing/seats/ids/activation-ids.ts";
import { PostForm, Submit } from "../ui/form.tsx";
import { Card, Facts, When } from "../ui/show.tsx";
import type { Form } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { trailTo } from "./parts.tsx";
import { idOf } from "./visit.ts";

export const freeSeatForm: Form = {
  path: "/portal/seats/{id}/free",
  access: "free",
  async show(visit, entry) {
    const { context, now } = visit;
    const id = idOf(visit);
    const [seat, license] = await Promise.all([ownSeat(context, id), ownLicense(context, licenseIdOf(id))]);
    return {
      title: `Free the seat of ${seat.instance_id}`,
      body: (
        <>
          <Heading trail={trailTo(license)} title={`Free the seat of ${seat.instance_id}?`} />
          <Card>
            <Facts
              rows={[
                ["Host name", seat.hostname],
                ["Version", seat.app_version],
                ["Installed", <When at={seat.activated_at} now={now} />],
                ["Last seen", <When at={seat.last_seen_at} now={now} />],
              ]}
            />
            <PostForm visit={visit} entry={entry}>
              <p>
                Do this for an installation that is gone. If it still runs, it stops at its next check-in
                unless a seat is free for it then.
              </p>
              <Submit tone="danger" back={`/portal/licenses/${license.id}#seats`}>
                Free the seat
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit({ context, params }) {
    const id = params["id"] ?? "";
    await freeSeat(context, id);
    return { to: `/portal/licenses/${licenseIdOf(id)}?done=freed#seats` };
  },
};
