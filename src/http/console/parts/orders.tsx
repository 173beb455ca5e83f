// Changes that were ordered for a later time.
import type { FC } from "hono/jsx";
import type { presentPendingChange } from "../../../licensing/licenses/pending-rows.ts";
import { Badge, Table, type Tone, When } from "../../ui/show.tsx";
import { ACTION_NAMES, formatTerm, wordsFor } from "../../ui/terms.ts";

type Order = ReturnType<typeof presentPendingChange>;

const TONES: Record<Order["status"], Tone> = {
  pending: "info",
  held: "warn",
  done: "good",
  failed: "stop",
  cancelled: "plain",
};

const wordsIn = (input: Order["input"]): string =>
  Object.entries(input)
    .map(([name, value]) => `${wordsFor(name)}: ${formatTerm(name, value)}`)
    .join(" · ");

/** @param path the page of the license, for those who may cancel and release */
export const Orders: FC<{ orders: Order[]; now: number; path?: string }> = ({ orders, now, path }) => (
  <Table
    caption="Changes to come"
    piled
    rows={orders}
    empty="Nothing is ordered for later."
    columns={[
      {
        label: "Change",
        main: true,
        cell: ({ action, input, detail }) => (
          <>
            {ACTION_NAMES[action]}
            <span class="second">{wordsIn(input)}</span>
            {detail === null ? null : <span class="second">{detail}</span>}
          </>
        ),
      },
      {
        label: "Takes effect",
        cell: ({ effective_at }) => <When at={effective_at} now={now} as="start" />,
      },
      { label: "Status", cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge> },
      ...(path === undefined
        ? []
        : [
            {
              label: "Decide",
              head: "",
              cell: ({ id, status }: Order) => (
                <div class="actions">
                  {status === "held" ? (
                    <a class="button small" href={`${path}/changes/${id}/release`} data-dialog>
                      Release
                    </a>
                  ) : null}
                  <a class="button small" href={`${path}/changes/${id}/cancel`} data-dialog>
                    Cancel
                  </a>
                </div>
              ),
            },
          ]),
    ]}
  />
);
