import { styleText } from 'node:util';
import { count, table } from '../text.ts';
import type { Comparison } from './comparison.ts';
import type { AirportFigures, Figures } from './figures.ts';

const bands = new Map([
  [250, 'up to 1,500 km'],
  [400, 'up to 3,500 km'],
  [600, 'farther'],
]);
const worstListed = 10;
const maxListedDifferences = 20;

/** Formats the figures. */
export function report(figures: Figures): string {
  return `\n${totals(figures)}\n${worstAirports(figures)}\n`;
}

function totals({ flights, claims, closedClaims, payouts, eurosPaid }: Figures): string {
  const opened = [...claims.values()].reduce((sum, some) => sum + some, 0);
  const rows = [
    ['Flights', count(flights)],
    ['Claims', count(opened)],
    ...[...claims].map(([euros, some]) => [`  of ${euros} euro, ${bands.get(euros)}`, count(some)]),
    ['  closed', count(closedClaims)],
    ['Payouts', count(payouts)],
    ['Euros paid', count(eurosPaid)],
  ];
  return table(rows);
}

/** Lists the airports with the worst mean delay, except those with too few arrivals to compare. */
function worstAirports({ flights, airports }: Figures): string {
  if (airports.size === 0) return '  These records name no airports, so there are no delays by airport.\n';
  const minArrivals = Math.max(1, Math.round(flights / 200));
  const worst = [...airports]
    .filter(([, { arrivals }]) => arrivals >= minArrivals)
    .toSorted(([codeA, a], [codeB, b]) => mean(b) - mean(a) || codeA.localeCompare(codeB))
    .slice(0, worstListed);
  const rows = worst.map(([code, airport]) => [
    code,
    count(airport.arrivals),
    `${mean(airport).toFixed(1)} min`,
    `${count(airport.worstDelayMinutes ?? 0)} min`,
  ]);
  const title = `  Worst of ${count(airports.size)} airports, of those with ${count(minArrivals)} arrivals or more`;
  return `${title}\n\n${table([['Airport', 'Arrivals', 'Mean delay', 'Worst delay'], ...rows])}`;
}

function mean({ delayMinutes, arrivals }: AirportFigures): number {
  return delayMinutes / arrivals;
}

/** Formats the result of the comparison. */
export function verdict({ compared, differences }: Comparison): string {
  if (differences.length === 0) {
    const tick = styleText('green', '✓');
    return `  ${tick} All ${count(compared)} figures equal those of a direct pass over the records.\n`;
  }
  const cross = styleText('red', '✗');
  const listed = differences.slice(0, maxListedDifferences).map((line) => `    ${line}\n`);
  const more = differences.length - listed.length;
  const rest = more > 0 ? `    and ${count(more)} more\n` : '';
  const title = `${count(differences.length)} of ${count(compared)} figures differ from a direct pass over the records:`;
  return `  ${cross} ${title}\n${listed.join('')}${rest}`;
}

/** Formats the number of new events and the speed of this run. */
export function throughput(events: number, seconds: number): string {
  if (events === 0) return '  Nothing was left to do: 0 events were added.\n\n';
  return `  ${count(events)} events in ${seconds.toFixed(1)} s: ${count(events / seconds)} events per second.\n\n`;
}
