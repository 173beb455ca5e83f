// /portal/licenses/{id}/statements/{month}: the usage of a month, made to be printed.
import { monthsBefore } from "../../kernel/calendar.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";
import { ownStatement } from "../../licensing/portal/own-usage.ts";
import { closesAt } from "../../licensing/usage/months.ts";
import { Badge, Card, Facts, formatCount, formatDate, formatLimit, Table } from "../ui/show.tsx";
import type { Page } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { trailTo } from "./parts.tsx";
import { idOf } from "./visit.ts";

const monthBefore = (month: string): string => dayOf(monthsBefore(Date.parse(`${month}-01`), 1)).slice(0, 7);

const monthAfter = (month: string): string => dayOf(Date.parse(`${month}-28`) + 5 * DAY).slice(0, 7);

const MONTH = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "long", year: "numeric" });

export const statementPage: Page = {
  path: "/portal/licenses/{id}/statements/{month}",
  access: "seats",
  async show(visit) {
    const { context, params, now } = visit;
    const id = idOf(visit);
    const { license, statement } = await ownStatement(context, id, params["month"] ?? "");
    const { month, meters, requests, services, days_without_report: silent } = statement;
    const path = `/portal/licenses/${id}/statements`;
    const name = MONTH.format(Date.parse(`${month}-01`));
    return {
      title: `Usage in ${name}`,
      body: (
        <>
          <Heading
            trail={trailTo(license)}
            title={`Usage in ${name}`}
            lead={
              statement.closed_at === null
                ? `Closes on ${formatDate(closesAt(month))}; until then the figures may change.`
                : `Closed on ${formatDate(Date.parse(statement.closed_at))}, revision ${statement.revision}.`
            }
          />
          <Card>
            <Table
              caption={`What was used in ${name}`}
              rows={Object.entries({ ...meters, requests, services })}
              empty=""
              columns={[
                { label: "What", main: true, cell: ([code]) => code },
                { label: "Total", cell: ([, { total }]) => formatCount(total), numeric: true },
                {
                  label: "Highest day",
                  cell: ([, { peak }]) => formatCount(peak),
                  numeric: true,
                  minor: true,
                },
                {
                  label: "Covered",
                  cell: ([, { value }]) => (value === undefined ? "" : formatLimit(value)),
                  numeric: true,
                },
                {
                  label: "Days over",
                  cell: ([, { days_over }]) =>
                    days_over === 0 ? "0" : <Badge tone="stop">{formatCount(days_over)}</Badge>,
                  numeric: true,
                },
              ]}
            />
            <Facts
              rows={[
                ["Days without a report", silent.length === 0 ? "none" : silent.join(", ")],
                [
                  "SHA-256 of the signed statement",
                  statement.hash === null ? null : <code>{statement.hash}</code>,
                ],
              ]}
            />
            <p class="no-print">
              <a href={`${path}/${monthBefore(month)}`}>The month before</a>
              {month < dayOf(now).slice(0, 7) ? (
                <>
                  {" · "}
                  <a href={`${path}/${monthAfter(month)}`}>The next month</a>
                </>
              ) : null}
            </p>
          </Card>
        </>
      ),
    };
  },
};
