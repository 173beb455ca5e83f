// Metrics about an installation's license, in OpenMetrics text format 1.0. The Python client uses the same
// names.
import type { State } from "./state.ts";
import { type Figures, metersOf } from "./meters.ts";
import type { Status } from "./vocabulary.ts";

/** The media type to serve it under. */
export const METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATES = ["entitled", "grace", "indeterminate", "refused"] as const;

const escape = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** Values that are unlimited, perpetual or unknown are left out. */
export function metricsOf(status: Status, state: State, today: Figures, now: number): string {
  const days = (until: string | null): number | null =>
    until === null ? null : Math.round((Date.parse(until) - now) / 86_400) / 1000;
  const gauges: [name: string, help: string, value: number | null][] = [
    ["may_run", "Whether the installation may run.", Number(status.mayRun)],
    ["days_left", "Days until the license expires.", days(status.licenseExpiresAt)],
    ["grace_days_left", "Days until its grace ends.", days(status.graceUntil)],
    ["lease_days_left", "Days that it may run unheard.", days(status.leaseExpiresAt)],
    ["seats_limit", "Instances that the license allows.", status.maxInstances],
    ["seats_active", "Instances active at the last check-in.", state.seats_active],
    ["services", "The most services at a time today.", today.services],
    ["services_limit", "Services that the license allows.", status.maxServices],
    ["requests_today", "Requests counted today (UTC).", today.requests],
    ["requests_limit", "Requests that the license allows a day.", status.maxRequestsPerDay],
    ["check_in_failures", "Check-ins in a row that brought no lease.", state.failures],
  ];
  return [
    "# TYPE caio_license_state stateset",
    "# HELP caio_license_state Where the installation stands.",
    ...STATES.map(
      (name) => `caio_license_state{caio_license_state="${name}"} ${Number(name === status.state)}`,
    ),
    ...gauges.flatMap(([name, help, value]) => (value === null ? [] : gauge(name, help, [`${value}`]))),
    ...gauge("entitlement", "What the license allows by code.", byCode(limitsOf(status))),
    ...gauge("meter", "Metered today (UTC), by code.", byCode([...metersOf(today)])),
    ...gauge(
      "warning",
      "What the service or the clock gives to think about.",
      status.warnings.map((code) => `{code="${escape(code)}"} 1`),
    ),
    "# EOF",
    "",
  ].join("\n");
}

const limitsOf = ({ entitlements }: Status): [string, number][] =>
  Object.entries(entitlements).flatMap(([code, { value }]): [string, number][] =>
    typeof value === "boolean" || (typeof value === "number" && value !== Infinity)
      ? [[code, Number(value)]]
      : [],
  );

const byCode = (values: [string, number][]): string[] =>
  values.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([code, value]) => `{code="${escape(code)}"} ${value}`);

const gauge = (name: string, help: string, samples: string[]): string[] => [
  `# TYPE caio_license_${name} gauge`,
  `# HELP caio_license_${name} ${help}`,
  ...samples.map((sample) => `caio_license_${name}${sample.startsWith("{") ? "" : " "}${sample}`),
];
