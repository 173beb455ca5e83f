// What a change would do to the instances that run on a license.
import type { FC } from "hono/jsx";
import type { previewChange } from "../../../licensing/licenses/preview.ts";
import { formatTerm, wordsFor } from "../../ui/terms.ts";
import { plural, Table, When } from "../../ui/show.tsx";

type Preview = Awaited<ReturnType<typeof previewChange>>;

const LISTED = 8;

export const Impact: FC<{ preview: Preview; now: number }> = ({ preview, now }) => {
  const { active, listed } = preview.instances;
  const refused = listed.some(({ refused_with }) => refused_with !== null);
  const changes = Object.entries(preview.changes);
  // An action that stops a license says so in its title.
  const terms = changes.filter(([name]) => name !== "status");
  return (
    <div class={`note ${refused && active > 0 ? "stop" : ""}`}>
      <p>
        <strong>
          {active === 0
            ? "No instance holds a seat now."
            : refused
              ? `${plural(active, "instance")} would be refused at the next check-in, and can keep running until the lease ends.`
              : `${plural(active, "instance")} would get this at the next check-in.`}
        </strong>
      </p>
      {changes.length === 0 ? <p>Nothing would change.</p> : null}
      {terms.length > 0 ? (
        <div class="compared">
          <Table
            caption="What would change"
            piled
            rows={terms}
            empty=""
            columns={[
              { label: "Term", cell: ([name]) => wordsFor(name) },
              { label: "Old", cell: ([name, { from }]) => formatTerm(name, from), long: true },
              { label: "New", cell: ([name, { to }]) => formatTerm(name, to), long: true },
              {
                label: "What running instances notice",
                cell: ([name]) => preview.effects[name],
                long: true,
                main: true,
              },
            ]}
          />
        </div>
      ) : null}
      {listed.length > 0 ? (
        <details>
          <summary>Which ones</summary>
          <ul>
            {listed.slice(0, LISTED).map(({ instance_id, hostname, lease_expires_at }) => (
              <li>
                {hostname ? `${instance_id} (${hostname})` : instance_id}, lease until{" "}
                <When at={lease_expires_at} now={now} />
              </li>
            ))}
            {active > LISTED ? <li>and {plural(active - LISTED, "other")}</li> : null}
          </ul>
        </details>
      ) : null}
    </div>
  );
};
