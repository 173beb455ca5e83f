// What all licenses of a customer used in a period, month by month: the same figures on the page, in the API, in the file.
import type { Context } from "../../context.ts";
import { openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import type { Period } from "../../kernel/periods.ts";
import type { Figures } from "./figures.ts";
import { type LicenseUsage, monthsOf, readCustomerDays } from "./of-licenses.ts";

/** So many licenses are read at once, with a row a day. */
const AT_ONCE = 40;

/** The columns of the file. */
export const CUSTOMER_USAGE_COLUMNS = [
  "license_id",
  "license_type",
  "month",
  "meter",
  "total",
  "peak",
  "value",
  "days_over",
  "days_without_report",
];

export interface UsageLine {
  license: LicenseUsage["license"];
  meter: string;
  total: number;
  peak: number;
  /** null: unlimited; undefined: not sold. */
  value: number | null | undefined;
  days_over: number;
}

/** What each meter of a license comes to in a month, and the days without a report. */
export const usageLinesOf = (usage: LicenseUsage, period: Period, now: number) =>
  monthsOf(usage, period, now).map(([month, { meters, requests, services, days_without_report }]) => ({
    month,
    silent: days_without_report,
    lines: Object.entries({ ...meters, requests, services }).map(
      ([meter, { value, total, peak, days_over }]): UsageLine => ({
        license: usage.license,
        meter,
        value,
        total,
        peak,
        days_over,
      }),
    ),
  }));

/** The rows of the file, some licenses at once. */
export async function* customerUsageRows(context: Context, customer: string, period: Period, now: number) {
  yield [CUSTOMER_USAGE_COLUMNS];
  let after: string | undefined = "";
  while (after !== undefined) {
    const used: LicenseUsage[] = await readCustomerDays(context, customer, period, after, AT_ONCE);
    yield used.flatMap((one) =>
      usageLinesOf(one, period, now).flatMap(({ month, silent, lines }) =>
        lines.map(({ license, meter, total, peak, value, days_over }) => [
          license.id,
          license.license_type,
          month,
          meter,
          total,
          peak,
          value === null ? "unlimited" : (value ?? ""),
          days_over,
          silent.join(";"),
        ]),
      ),
    );
    after = used.length < AT_ONCE ? undefined : used.at(-1)?.license.id;
  }
}

interface UsedLicense {
  license_id: string;
  license_type: string;
  months: ({ month: string } & Figures)[];
}

/** A page of the customer's licenses, in the order of their ids, with the figures of each month that has begun. */
export async function listCustomerUsage(
  context: Context,
  customer: string,
  period: Period,
  request: PageRequest,
): Promise<Page<UsedLicense>> {
  const now = context.clock.now();
  const list = await openList(context, "customer usage", request, {
    customer,
    period: period.name,
  });
  const used = await readCustomerDays(context, customer, period, String(list.after?.[0] ?? ""), AT_ONCE);
  const found = await list.page(used, AT_ONCE, ({ license }) => [license.id]);
  return {
    ...found,
    data: found.data.map((one) => ({
      license_id: one.license.id,
      license_type: one.license.license_type,
      months: monthsOf(one, period, now).map(([month, figures]) => Object.assign({ month }, figures)),
    })),
  };
}
