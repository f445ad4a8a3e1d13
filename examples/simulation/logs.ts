import { createHash } from 'node:crypto';
import type { DayRunner } from './day.ts';
import type { Desk } from './desk.ts';
import { travelDay } from './system.ts';

/** A summary of all logs. */
export interface Summary {
  readonly events: number;
  /** SHA-256 of all notifications. */
  readonly fingerprint: string;
}

export async function summaryOf(runner: DayRunner): Promise<Summary> {
  const hash = createHash('sha256');
  let events = 0;
  for (const kind of travelDay.applications) {
    const { log } = runner.get(kind);
    const notifications = await log.select(0, await log.head());
    events += notifications.length;
    for (const notification of notifications) hash.update(JSON.stringify(notification));
  }
  return { events, fingerprint: hash.digest('hex') };
}

/** Returns the waiting time of each payout, from its planning to its payment, in minutes. */
export async function waitsAt(desk: Desk): Promise<readonly number[]> {
  const plannedAt = new Map<string, number>();
  const waits: number[] = [];
  for await (const { event } of desk.reader()) {
    if (event.type === 'Payout.Planned') plannedAt.set(event.originatorId, event.timestamp);
    else waits.push((event.timestamp - (plannedAt.get(event.originatorId) ?? event.timestamp)) / 60_000);
  }
  return waits;
}
