/**
 * The table of metrics as Prometheus reads it (text format 0.0.4).
 *
 * Points that agree in all labels, as those of two consumers of one group, are added up: a scrape may hold each once only.
 */
import {
  type Metric,
  type MetricLabels,
  prometheusLabel,
  prometheusName,
  type Readings,
} from "../telemetry/metric.ts";
import { metrics } from "../telemetry/metrics.ts";

/** Media type of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** All metrics as of `readings`. */
export function prometheusText(readings: Readings, table: readonly Metric[] = metrics): string {
  return table.map((metric) => {
    const name = prometheusName(metric);
    const points = new Map<string, number>();
    for (const { value, labels } of metric.read(readings)) {
      const text = labelText(labels);
      points.set(text, (points.get(text) ?? 0) + value);
    }
    const lines = Array.from(points, ([labels, value]) => `${name}${labels} ${value}\n`).join("");
    return `# HELP ${name} ${metric.help}\n# TYPE ${name} ${metric.kind}\n${lines}`;
  }).join("");
}

function labelText(labels: MetricLabels): string {
  const parts = Object.entries(labels).map(([label, value]) =>
    `${prometheusLabel(label as keyof MetricLabels)}="${escapeValue(value)}"`
  );
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
