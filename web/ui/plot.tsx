// Plots: SVG that is stretched, labels in HTML, all geometry in attributes, and the same as a table beneath.
import type { ReactNode } from "react";
import { ceiling, count } from "../format";

export interface Bar {
  label: string;
  up: number;
  down: number;
}

/** Bars above and below one line: what came and what went. */
export function Bars({
  title,
  words,
  up,
  down,
  bars,
  axis,
}: {
  title: string;
  words: string;
  up: string;
  down: string;
  bars: readonly Bar[];
  axis: readonly string[];
}) {
  const most = ceiling(Math.max(1, ...bars.map((bar) => Math.max(bar.up, bar.down))));
  const height = (n: number): number => (n / most) * 100;
  const sum = (of: (bar: Bar) => number): number => bars.reduce((total, bar) => total + of(bar), 0);
  return (
    <figure className="plot">
      <figcaption>
        <b>{title}</b>
        <span className="key">
          <span>
            {up}, {count(sum((bar) => bar.up))}
          </span>
          <span className="key--out">
            {down}, {count(sum((bar) => bar.down))}
          </span>
        </span>
      </figcaption>
      <div className="plot__grid">
        <div className="plot__y" aria-hidden="true">
          <span>{count(most)}</span>
          <span>0</span>
          <span>{count(most)}</span>
        </div>
        <svg viewBox={`0 0 ${bars.length * 10} 202`} preserveAspectRatio="none" role="img" aria-label={words}>
          <line x1="0" y1="0" x2={bars.length * 10} y2="0" />
          <line x1="0" y1="202" x2={bars.length * 10} y2="202" />
          {bars.map((bar, at) => (
            <g key={at}>
              <rect className="in" x={at * 10 + 1.5} y={100 - height(bar.up)} width="7" height={height(bar.up)}>
                <title>{`${bar.label}: ${count(bar.up)} ${up.toLowerCase()}`}</title>
              </rect>
              <rect className="out" x={at * 10 + 1.5} y="102" width="7" height={height(bar.down)}>
                <title>{`${bar.label}: ${count(bar.down)} ${down.toLowerCase()}`}</title>
              </rect>
            </g>
          ))}
          <line className="zero" x1="0" y1="101" x2={bars.length * 10} y2="101" />
        </svg>
        <div className="plot__x plot__x--even" aria-hidden="true">
          {axis.map((label, at) => (
            <span key={at}>
              {label}
              {at === axis.length - 1 ? <span>now</span> : null}
            </span>
          ))}
        </div>
      </div>
      <AsTable caption={title} head={["Hour", up, down]} rows={bars.map((bar) => [bar.label, count(bar.up), count(bar.down)])} />
    </figure>
  );
}

/** A share, a day: from `low` to 100 per cent. */
export function Curve({
  title,
  side,
  words,
  points,
  axis,
  head = ["Day", "Passed"],
  rows,
}: {
  title: string;
  side: string;
  words: string;
  points: readonly { label: string; percent: number }[];
  axis: readonly string[];
  /** The table beneath, where it says more than the points. */
  head?: readonly string[];
  rows?: readonly (readonly ReactNode[])[];
}) {
  const least = Math.min(100, ...points.map((point) => point.percent));
  const low = least >= 90 ? 90 : least >= 50 ? 50 : 0;
  const width = Math.max(1, points.length - 1) * 10;
  const y = (percent: number): string => (((100 - percent) / (100 - low)) * 100).toFixed(1);
  const known = points.map((point, at) => `${at * 10},${y(point.percent)}`).join(" ");
  // One day alone is a level, not a slope.
  const line = points.length === 1 ? `${known} ${width},${y(points[0]?.percent ?? 0)}` : known;
  return (
    <figure className="plot">
      <figcaption>
        <b>{title}</b>
        <span className="quiet">{side}</span>
      </figcaption>
      <div className="plot__grid">
        <div className="plot__y" aria-hidden="true">
          <span>100 %</span>
          <span>{(100 + low) / 2} %</span>
          <span>{low} %</span>
        </div>
        <svg viewBox={`0 0 ${width} 100`} preserveAspectRatio="none" role="img" aria-label={words}>
          <line x1="0" y1="0" x2={width} y2="0" />
          <line x1="0" y1="50" x2={width} y2="50" />
          <line className="zero" x1="0" y1="100" x2={width} y2="100" />
          <polygon className="under" points={`0,100 ${line} ${width},100`} />
          <polyline className="curve" points={line} />
        </svg>
        <div className="plot__x" aria-hidden="true">
          {axis.map((label, at) => (
            <span key={at}>{label}</span>
          ))}
        </div>
      </div>
      <AsTable caption={title} head={head} rows={rows ?? points.map((point) => [point.label, `${point.percent.toFixed(1)} %`])} />
    </figure>
  );
}

export function AsTable({
  caption,
  head,
  rows,
}: {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}) {
  return (
    <details>
      <summary>As a table</summary>
      <table className="table">
        <caption className="sr">{caption}</caption>
        <thead>
          <tr>
            {head.map((text, at) => (
              <th key={at} scope="col" className={at ? "num" : undefined}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, n) =>
                n === 0 ? (
                  <th key={n} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={n} className="num">
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
