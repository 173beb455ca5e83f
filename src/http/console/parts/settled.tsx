// What staff settled, and where it is taken back.
import type { FC } from "hono/jsx";
import type { Settled } from "../../../licensing/figures/attention/settled-list.ts";
import { When } from "../../ui/show.tsx";
import { KINDS } from "./attention.tsx";

type Of = Pick<Settled, "license_id" | "kind">;

export const TakeBack: FC<{ settled: Of }> = ({ settled: { license_id, kind } }) => (
  <a
    class="button small"
    href={`/admin/licenses/${license_id}/unsettle/${kind}`}
    aria-label={`Take back: ${KINDS[kind].word}`}
    data-dialog
  >
    Take back
  </a>
);

export const Until: FC<{ settled: Pick<Settled, "until">; now: number }> = ({ settled: { until }, now }) =>
  until === null ? (
    <span class="soft">until something new happens</span>
  ) : (
    <span>
      until <When at={until} now={now} />
    </span>
  );

/** On a license's page; nothing where nothing is settled. */
export const SettledNote: FC<{ settled: Settled[]; now: number; mayTakeBack: boolean }> = ({
  settled,
  now,
  mayTakeBack,
}) =>
  settled.length === 0 ? null : (
    <div class="note">
      {settled.map((one) => (
        <p>
          Settled: {KINDS[one.kind].word}, <Until settled={one} now={now} />{" "}
          {mayTakeBack ? <TakeBack settled={one} /> : null}
        </p>
      ))}
    </div>
  );
