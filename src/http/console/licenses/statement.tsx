// /admin/licenses/{id}/statements/{month}: the usage of a month on one page, made to be printed.
import { monthsBefore } from "../../../kernel/calendar.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { closesAt } from "../../../licensing/usage/months.ts";
import { Month, readStatement } from "../../../licensing/usage/statements.ts";
import { Problem } from "../../../problems.ts";
import { Card, Facts, formatCount, formatDate, formatLimit, Table } from "../../ui/show.tsx";
import type { Page } from "../mount.tsx";
import { monthName } from "../parts/periods.tsx";
import { idOf } from "../visit.ts";
import { licenseView } from "./view.tsx";

const neighbor = (month: string, months: 1 | -1): string =>
  months === 1
    ? dayOf(Date.parse(`${month}-28`) + 5 * DAY).slice(0, 7)
    : dayOf(monthsBefore(Date.parse(`${month}-01`), 1)).slice(0, 7);

export const statementPage: Page = {
  path: "/admin/licenses/{id}/statements/{month}",
  access: "read",
  async show(visit) {
    const { context, params, now } = visit;
    const month = Month.safeParse(params["month"]);
    if (!month.success) throw new Problem("NOT_FOUND");
    const id = idOf(visit);
    const held = await getLicenseAndCustomer(context, id);
    const stated = await readStatement(context, id, month.data);
    const rows = Object.entries({ requests: stated.requests, services: stated.services, ...stated.meters });
    const silent = stated.days_without_report;
    const path = `/admin/licenses/${id}/statements`;
    return licenseView(
      held,
      {
        title: `Statement of ${monthName(month.data)}`,
        lead:
          stated.closed_at === null
            ? `Closes on ${formatDate(closesAt(month.data))}; until then the figures may change`
            : `Closed on ${formatDate(Date.parse(stated.closed_at))}, revision ${stated.revision}`,
        actions: (
          <button type="button" class="script" data-print>
            Print
          </button>
        ),
      },
      <Card>
        <Table
          caption={`What was used in ${monthName(month.data)}`}
          piled
          rows={rows}
          empty=""
          columns={[
            { label: "Meter", main: true, cell: ([code]) => code },
            { label: "Total", cell: ([, { total }]) => formatCount(total), numeric: true },
            { label: "Highest day", cell: ([, { peak }]) => formatCount(peak), numeric: true },
            {
              label: "Allowed",
              cell: ([, { value }]) => (value === undefined ? "" : formatLimit(value)),
              numeric: true,
            },
            { label: "Days over", cell: ([, { days_over }]) => formatCount(days_over), numeric: true },
          ]}
        />
        <Facts
          rows={[
            ["Days without a report", silent.length === 0 ? "none" : silent.join(", ")],
            ["SHA-256 of the signed statement", stated.hash === null ? null : <code>{stated.hash}</code>],
            [
              "Revision before",
              stated.previous === null ? null : (
                <>
                  SHA-256 <code>{stated.previous}</code>
                </>
              ),
            ],
          ]}
        />
        <p class="no-print">
          <a href={`${path}/${neighbor(month.data, -1)}`}>{monthName(neighbor(month.data, -1))}</a>
          {month.data < dayOf(now).slice(0, 7) ? (
            <>
              {" · "}
              <a href={`${path}/${neighbor(month.data, 1)}`}>{monthName(neighbor(month.data, 1))}</a>
            </>
          ) : null}
        </p>
      </Card>,
    );
  },
};
