import { styleText } from 'node:util';
import type { Figures } from '../flights/job/figures.ts';
import { count, table } from '../flights/job/text.ts';
import { minutesPerClaim, openingHours } from './clerks.ts';
import type { Summary } from './logs.ts';
import type { Options } from './options.ts';
import { timeOf } from './panels.ts';

/** What is simulated. */
export function opening({ dataset, clerks }: Options, flights: number): string {
  const staff = clerks === 1 ? '1 clerk pays claims' : `${clerks} clerks pay claims`;
  return `
  ${count(flights)} flights of ${styleText('bold', dataset)}, their days folded onto one: each departs when it did,
  and lands after its distance at 800 km/h and its delay. A tick is a minute.
  ${staff}, ${openingHours}, each one in ${minutesPerClaim} minutes.

`;
}

/** How to read the chart. */
export const reading = `
  Peaks, each panel in a scale of its own. An application reads in the next tick whatever its
  upstreams have recorded, so its queue is what came in within a minute. A claim waits for a clerk.

`;

/** The figures that count. */
export function keyFigures(
  { flights, claims, payouts, eurosPaid }: Figures,
  waits: readonly number[],
  minutes: number,
  { events, fingerprint }: Summary,
): string {
  const opened = [...claims.values()].reduce((sum, some) => sum + some, 0);
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / Math.max(waits.length, 1);
  const days = Math.floor((minutes - 1) / (24 * 60));
  const end = `${timeOf(minutes - 1)}${days === 0 ? '' : ` + ${days} d`}`;
  return table([
    ['Flights', count(flights)],
    ['Claims', count(opened)],
    ['Payouts', count(payouts)],
    ['Euros paid', count(eurosPaid)],
    ['A claim waits for a clerk, on average', duration(mean)],
    ['  at most', duration(Math.max(...waits, 0))],
    ['All is done at', end],
    ['Ticks', count(minutes)],
    ['Events', count(events)],
    ['  SHA-256 of all logs', fingerprint.slice(0, 16)],
  ]);
}

function duration(minutes: number): string {
  const whole = Math.round(minutes);
  return `${Math.floor(whole / 60)} h ${`${whole % 60}`.padStart(2, '0')} min`;
}

/** How fast it was: the one thing that another run does not say again. */
export function speed(ticks: number, seconds: number, threads: boolean): string {
  const place = threads ? 'a thread for each follower' : 'a single thread';
  return `  ${count(ticks)} ticks in ${seconds.toFixed(1)} s in ${place}: ${count(ticks / seconds)} ticks per second.\n\n`;
}
