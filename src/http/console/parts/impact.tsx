// What a change would do to the instances that run on a license.
import type { FC } from "hono/jsx";
import type { previewChange } from "../../../licensing/preview.ts";
import { plural, When } from "./show.tsx";

type Preview = Awaited<ReturnType<typeof previewChange>>;

const LISTED = 8;

const show = (value: unknown): string =>
  value === null ? "none" : typeof value === "string" ? value : JSON.stringify(value);

const moment = (name: string, value: unknown): string =>
  name.endsWith("_at") && typeof value === "number" ? new Date(value).toISOString() : show(value);

export const Impact: FC<{ preview: Preview; now: number }> = ({ preview, now }) => {
  const { active, listed } = preview.instances;
  const refused = listed.some(({ refused_with }) => refused_with !== null);
  const changes = Object.entries(preview.changes);
  return (
    <div class={`note ${refused && active > 0 ? "stop" : ""}`}>
      <p>
        <strong>
          {active === 0
            ? "No instance holds a seat now."
            : refused
              ? `${plural(active, "instance")} would be refused at the next check-in, and can run on until the lease ends.`
              : `${plural(active, "instance")} would get this at the next check-in.`}
        </strong>
      </p>
      {changes.length > 0 ? (
        <ul>
          {changes.map(([name, { from, to }]) => (
            <li>
              <code>{name}</code>: {moment(name, from)} → {moment(name, to)}
            </li>
          ))}
        </ul>
      ) : (
        <p>Nothing would change.</p>
      )}
      {preview.limits.map(({ allowed, observed }) => (
        <p>
          {plural(observed, "seat")} are taken, {allowed} would be allowed: none is stopped, but no new one
          gets in.
        </p>
      ))}
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
