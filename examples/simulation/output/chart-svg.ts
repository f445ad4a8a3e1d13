import { openSpans, type Panel, peaks, quarters, timeOf } from './panels.ts';

/** Colours that are readable on white and on dark pages. */
const text = '#6b7a99';
const fill = '#4a7bd0';
const font = 'font-family="Helvetica,Arial,sans-serif"';

const left = 44;
const plotWidth = 640;
const right = 24;
const plotHeight = 72;
/** Height of a panel: its heading, its plot and a gap. */
const panelHeight = plotHeight + 44;
const minutesPerStep = 10;

/** Draws the panels one below the other, and shades the opening hours of the desk. */
export function chartSvg(title: string, panels: readonly Panel[]): string {
  const minutes = panels[0]?.values.length ?? 0;
  const width = left + plotWidth + right;
  const height = panels.length * panelHeight + 24;
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">
<title>${title}</title>
<g ${font} font-size="12" fill="${text}">
<text x="${left + plotWidth}" y="20" text-anchor="end">shaded: the desk is open</text>
${panels.map((panel, i) => drawn(panel, minutes, i * panelHeight + 30)).join('')}${times(minutes, panels.length * panelHeight + 6)}</g>
</svg>
`;
}

function drawn({ title, note, values }: Panel, minutes: number, top: number): string {
  const bars = peaks(values, Math.ceil(minutes / minutesPerStep));
  const max = Math.max(...bars, 1);
  const bottom = top + plotHeight;
  const heights = bars.map((value) => rounded(bottom - (value / max) * plotHeight));
  const steps = heights.map((y, i) => (y === heights[i - 1] ? '' : `H${rounded(at(i, bars.length))}V${y}`));
  return `<text x="${left}" y="${top - 10}"><tspan font-weight="bold" font-size="14">${title}</tspan> ${note}</text>
${bands(minutes, top)}<path fill="${fill}" fill-opacity="0.3" stroke="${fill}" stroke-width="1.2" d="M${left},${bottom}${steps.join('')}H${left + plotWidth}V${bottom}Z"/>
<path stroke="${text}" d="M${left},${top} V${bottom} H${left + plotWidth}${marks(minutes, bottom)}" fill="none"/>
<text x="${left - 7}" y="${top + 9}" text-anchor="end">${max}</text>
<text x="${left - 7}" y="${bottom}" text-anchor="end">0</text>
`;
}

/** Shades the opening hours of the desk. */
function bands(minutes: number, top: number): string {
  return openSpans(minutes)
    .map(([from, to]) => {
      const [x, end] = [rounded(at(from, minutes)), at(to, minutes)];
      return `<rect x="${x}" y="${top}" width="${rounded(end - x)}" height="${plotHeight}" fill="${text}" fill-opacity="0.12"/>\n`;
    })
    .join('');
}

function marks(minutes: number, y: number): string {
  return quarters(minutes)
    .map((minute) => ` M${rounded(at(minute, minutes))},${y} v4`)
    .join('');
}

function times(minutes: number, y: number): string {
  return quarters(minutes)
    .map(
      (minute) =>
        `<text x="${rounded(at(minute, minutes))}" y="${y}" text-anchor="middle">${timeOf(minute)}</text>\n`,
    )
    .join('');
}

/** Returns the x coordinate at which a part of the time begins. */
function at(part: number, parts: number): number {
  return left + (part * plotWidth) / parts;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
