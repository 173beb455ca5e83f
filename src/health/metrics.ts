// The figures as OpenMetrics text 1.0: https://prometheus.io/docs/specs/om/open_metrics_spec/
import { SECOND } from "../kernel/dates.ts";
import { type Figures, JOBS, lateFrom } from "./rules.ts";

export const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Sample = [labels: Record<string, string>, value: number | null];

/** Backslash, quote and line feed are the three characters that a label escapes. */
const escaped = (text: string): string =>
  text.replaceAll(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));

const labelled = (labels: Record<string, string>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
};

/** A gauge with its samples; those without a value, and a gauge without any, are left out. */
function gauge(name: string, help: string, samples: Sample[], unit?: string): string[] {
  const known = samples.filter(([, value]) => value !== null);
  if (known.length === 0) return [];
  return [
    `# TYPE ${name} gauge`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...known.map(([labels, value]) => `${name}${labelled(labels)} ${value}`),
  ];
}

const seconds = (at: number | null): number | null => (at === null ? null : at / SECOND);

export function metricsOf({ jobs, mail, webhookEndpoints, database }: Figures, now: number): string {
  const each = (
    valueOf: (row: Figures["jobs"][number], job: (typeof JOBS)[number]) => number | null,
  ): Sample[] =>
    JOBS.flatMap((job): Sample[] => {
      const row = jobs.find(({ name }) => name === job);
      return row ? [[{ job }, valueOf(row, job)]] : [];
    });
  const instant = (name: string, help: string, samples: Sample[]): string[] =>
    gauge(`${name}_timestamp_seconds`, help, samples, "seconds");
  const lines = [
    ...instant(
      "caio_job_last_start",
      "When the last run began.",
      each((row) => seconds(row.started_at)),
    ),
    ...instant(
      "caio_job_last_end",
      "When the last run ended.",
      each((row) => seconds(row.ended_at)),
    ),
    ...instant(
      "caio_job_last_good",
      "When the last good run ended.",
      each((row) => seconds(row.good_at)),
    ),
    ...gauge(
      "caio_job_failed",
      "Whether the last run that ended failed.",
      each((row) => (row.outcome === "failed" ? 1 : 0)),
    ),
    ...gauge(
      "caio_job_late",
      "Whether the last good run is too long ago.",
      each((row, job) => (lateFrom(job, row) < now ? 1 : 0)),
    ),
    ...gauge(
      "caio_job_last_done",
      "What the last run that ended did.",
      JOBS.flatMap((job) =>
        Object.entries(jobs.find(({ name }) => name === job)?.counts ?? {}).map(([what, value]): Sample => [
          { job, what },
          value,
        ]),
      ),
    ),
    ...gauge("caio_mail_waiting", "Mail that is to be sent.", [[{}, mail.waiting]]),
    ...instant("caio_mail_oldest_waiting", "When the oldest waiting mail was written.", [
      [{}, seconds(mail.oldest_at)],
    ]),
    ...gauge("caio_mail_failed", "Mail of the last seven days that could not be sent.", [[{}, mail.failed]]),
    ...gauge("caio_webhook_endpoints", "Webhook endpoints that events are sent to.", [
      [{}, webhookEndpoints.active],
    ]),
    ...gauge("caio_webhook_endpoints_failing", "Those of them whose last attempt failed.", [
      [{}, webhookEndpoints.failing],
    ]),
    ...gauge("caio_webhook_endpoints_switched_off", "Webhook endpoints that failed for days.", [
      [{}, webhookEndpoints.switched_off],
    ]),
    ...instant(
      "caio_webhook_oldest_waiting",
      "When the oldest event was recorded that an endpoint waits for.",
      [[{}, seconds(webhookEndpoints.oldest_at)]],
    ),
    ...gauge("caio_database_bytes", "The size of the database.", [[{}, database.bytes]], "bytes"),
    ...gauge("caio_database_limit_bytes", "The greatest size it may have.", [[{}, database.of]], "bytes"),
    ...gauge("caio_database_takes_writes", "Whether a write succeeded just now.", [
      [{}, database.takesWrites ? 1 : 0],
    ]),
    "# EOF",
  ];
  return `${lines.join("\n")}\n`;
}
