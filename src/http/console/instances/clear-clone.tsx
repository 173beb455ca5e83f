// /admin/instances/{id}/clear-clone: staff know that it is not a clone.
import { licenseIdOf } from "../../../licensing/seats/ids/activation-ids.ts";
import { clearClone, CloneClearance } from "../../../licensing/seats/clones.ts";
import { getActivation } from "../../../licensing/instances/instances.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { parsed } from "../../ui/entry.ts";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card } from "../../ui/show.tsx";
import { Reason } from "../licenses/actions/action.tsx";
import { seatPath } from "../parts/seats.tsx";
import { idOf } from "../visit.ts";

export const clearCloneForm: Form = {
  path: "/admin/instances/{id}/clear-clone",
  access: "activations",
  async show(visit, entry) {
    const { id, instance_id } = await getActivation(visit.context, idOf(visit));
    const here = seatPath(id);
    return {
      title: "Not a clone",
      section: "instances",
      body: (
        <>
          <Heading
            trail={[
              ["/admin/instances", "Instances"],
              [here, instance_id],
            ]}
            title={`Not a clone: ${instance_id}?`}
          />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <p>
                The mark is removed. If the <a href={`/admin/licenses/${licenseIdOf(id)}`}>license</a> refuses
                suspected clones, requests without a certificate are accepted again. The mark returns with the
                next suspicion.
              </p>
              <Reason entry={entry} placeholder="The machine was replaced." />
              <Submit back={here}>Clear the mark</Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(CloneClearance, { reason: entry.text("reason") ?? "" });
    await clearClone(visit.context, idOf(visit), input);
    return { to: `${seatPath(idOf(visit))}?done=cleared` };
  },
};
