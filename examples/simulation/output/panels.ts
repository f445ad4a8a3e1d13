import { isOpen } from '../clerks.ts';
import type { Day } from '../day.ts';
import { travelDay } from '../system.ts';

/** A value over the day. */
export interface Panel {
  readonly title: string;
  readonly note: string;
  /** The value in each minute. */
  readonly values: readonly number[];
}

/** Returns the panels: the queue of each application that follows others, and the payouts that wait for a clerk. */
export function panelsOf({ queues, tray }: Day): readonly Panel[] {
  const applications = [...queues.lengths].map(([title, values]) => {
    const upstreams = travelDay.graph.edges.filter(({ downstream }) => downstream === title);
    const note = `to read from ${upstreams.map(({ upstream }) => upstream).join(' and ')}`;
    return { title, note, values };
  });
  return [...applications, { title: 'clerks', note: 'claims to pay', values: tray }];
}

/** Divides the time into equal parts and returns the peak of each. */
export function peaks(values: readonly number[], parts: number): readonly number[] {
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * values.length) / parts);
    const to = Math.max(Math.floor(((part + 1) * values.length) / parts), from + 1);
    return Math.max(...values.slice(from, to));
  });
}

/** Returns every sixth full hour, in minutes since midnight. */
export function quarters(minutes: number): readonly number[] {
  const quarter = 6 * 60;
  return Array.from({ length: Math.floor(minutes / quarter) + 1 }, (_, i) => i * quarter);
}

/** Returns the start and end of each span in which the desk is open, in minutes. */
export function openSpans(minutes: number): readonly (readonly [number, number])[] {
  const edges = Array.from({ length: minutes + 1 }, (_, minute) => minute).filter((minute) => {
    const isOpenNow = minute < minutes && isOpen(minute);
    return isOpenNow !== (minute > 0 && isOpen(minute - 1));
  });
  return Array.from({ length: edges.length / 2 }, (_, i) => [edges[2 * i] ?? 0, edges[2 * i + 1] ?? 0]);
}

/** Formats a minute of the simulation as time of day, such as 06:05. */
export function timeOf(minute: number): string {
  const two = (n: number) => `${n}`.padStart(2, '0');
  return `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
}
