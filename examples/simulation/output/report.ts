import { styleText } from 'node:util';
import type { Figures } from '../../flights/job/figures/figures.ts';
import { count, table } from '../../flights/job/text.ts';
import { minutesPerClaim, openingHours } from '../clerks.ts';
import type { Summary } from '../logs.ts';
import type { Options } from '../options.ts';
import { timeOf } from './panels.ts';

/** Describes the simulation. */
export function opening({ dataset, clerks }: Options, flights: number): string {
  const staff = clerks === 1 ? '1 clerk pays claims' : `${clerks} clerks pay claims`;
  return `
  ${count(flights)} flights of ${styleText('bold', dataset)}, all moved to one day: each departs at its real time, and lands
  after its distance at 800 km/h plus its delay. A tick is a minute.
  ${staff}, ${openingHours}, ${minutesPerClaim} minutes per claim.

`;
}

/** Explains the chart. */
export const reading = `
  The bars are peaks, and each panel has its own scale. An application reads in the next tick what
  its upstreams have recorded, so its queue holds the events of one minute. Claims wait for a clerk.

`;

/** Formats the results. */
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
    ['Mean wait of a claim for a clerk', duration(mean)],
    ['  longest', duration(Math.max(...waits, 0))],
    ['Finished at', end],
    ['Ticks', count(minutes)],
    ['Events', count(events)],
    ['  SHA-256 of all logs', fingerprint.slice(0, 16)],
  ]);
}

function duration(minutes: number): string {
  const whole = Math.round(minutes);
  return `${Math.floor(whole / 60)} h ${`${whole % 60}`.padStart(2, '0')} min`;
}

/** Formats the speed, the only output that differs between runs. */
export function speed(ticks: number, seconds: number, threads: boolean): string {
  const threading = threads ? 'a thread for each follower' : 'a single thread';
  return `  ${count(ticks)} ticks in ${seconds.toFixed(1)} s in ${threading}: ${count(ticks / seconds)} ticks per second.\n\n`;
}
