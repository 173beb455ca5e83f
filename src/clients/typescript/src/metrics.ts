// What a monitoring system wants to know of an installation's license, in OpenMetrics text format 1.0.
import type { State } from "./state.ts";
import type { Figures } from "./usage.ts";
import type { Status } from "./vocabulary.ts";

/** The media type to serve it under. */
export const METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATES = ["entitled", "grace", "indeterminate", "refused"] as const;

const seconds = (instant: string | null): number | null =>
  instant === null ? null : Date.parse(instant) / 1000;

const quote = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

export function metricsOf(status: Status, state: State, today: Figures): string {
  const gauges: [name: string, help: string, value: number | null][] = [
    ["may_run", "1 while the installation may run.", Number(status.mayRun)],
    ["expires_timestamp_seconds", "When the license ends.", seconds(status.licenseExpiresAt)],
    ["grace_until_timestamp_seconds", "When its grace ends.", seconds(status.graceUntil)],
    ["lease_expires_timestamp_seconds", "When the lease ends.", seconds(status.leaseExpiresAt)],
    ["last_attempt_timestamp_seconds", "When the service was asked last.", seconds(state.last_attempt_at)],
    ["next_check_in_timestamp_seconds", "When the service will be asked next.", seconds(state.next_check_in)],
    ["check_in_failures", "Check-ins in a row that brought no new lease.", state.failures],
    ["usage_requests", "Requests counted on this UTC day.", today.requests],
    ["usage_services", "The most services at a time on this UTC day.", today.services],
  ];
  return [
    "# TYPE caio_license_state stateset",
    "# HELP caio_license_state What the license lets the installation do.",
    ...STATES.map(
      (name) => `caio_license_state{caio_license_state="${name}"} ${Number(name === status.state)}`,
    ),
    "# TYPE caio_license_warning gauge",
    "# HELP caio_license_warning 1 for each warning that stands.",
    ...status.warnings.map((code) => `caio_license_warning{code="${quote(code)}"} 1`),
    ...gauges.flatMap(([name, help, value]) =>
      value === null
        ? []
        : [
            `# TYPE caio_license_${name} gauge`,
            `# HELP caio_license_${name} ${help}`,
            `caio_license_${name} ${value}`,
          ],
    ),
    "# EOF",
    "",
  ].join("\n");
}
