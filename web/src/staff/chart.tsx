// chart.tsx - saves a second and p99 latency over the last ten minutes, as one small SVG each. No library: two lines.

import type { Sample } from "./desk";

const WIDTH = 600;
const HEIGHT = 120;
const SPAN_MS = 10 * 60_000;

/** A round number at or above the highest value, so that the scale does not jump with every sample. */
export function ceiling(highest: number): number {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= highest)!;
}

function line(samples: Sample[], value: (sample: Sample) => number | null, top: number, now: number): string {
  let path = "";
  let pen_up = true;
  for (const sample of samples) {
    const v = value(sample);
    if (v === null) {
      pen_up = true;
      continue;
    }
    const x = WIDTH - ((now - sample.at) / SPAN_MS) * WIDTH;
    const y = HEIGHT - (v / top) * (HEIGHT - 4);
    path += `${pen_up ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen_up = false;
  }
  return path;
}

export const figure = (value: number | null, digits = 0) =>
  value === null ? "–" : value.toLocaleString([], { maximumFractionDigits: digits });

export function Chart(props: { title: string; unit: string; samples: Sample[]; value: (sample: Sample) => number | null; kind: string }) {
  const { samples, value } = props;
  const now = samples.at(-1)?.at ?? 0;
  const values = samples.map(value).filter((v): v is number => v !== null);
  const top = ceiling(Math.max(0, ...values));
  const latest = values.at(-1) ?? null;
  return (
    <figure class={`chart chart-${props.kind}`}>
      <figcaption>
        <span>{props.title}</span>
        <b>
          {figure(latest, 1)} {props.unit}
        </b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${props.title}, last 10 minutes: now ${figure(latest, 1)}, highest ${figure(Math.max(0, ...values), 1)} ${props.unit}`}
      >
        {[0.25, 0.5, 0.75].map((part) => (
          <line key={part} class="chart-grid" x1="0" x2={WIDTH} y1={HEIGHT * part} y2={HEIGHT * part} />
        ))}
        <path class="chart-line" d={line(samples, value, top, now)} />
      </svg>
      <div class="chart-scale" aria-hidden="true">
        <span>10 min ago</span>
        <span>
          0 to {figure(top, 1)} {props.unit}
        </span>
        <span>now</span>
      </div>
    </figure>
  );
}
