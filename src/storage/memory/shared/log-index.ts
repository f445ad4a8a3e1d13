import type { StoredNotification } from '../../stored-event.ts';
import type { Journal } from './journal.ts';
import { type CallHead, processEventsOf } from './journal-entry.ts';

/** The log of one pipeline: of each entry that has events of it, the place in the journal and the last id. */
interface OutlinedLog {
  readonly places: number[];
  readonly lastIds: number[];
}

/**
 * Where the logs of an application stand in a journal. Its events are read there when somebody asks for them, and not
 * kept: who follows a log reads each of them once.
 */
export class Outline {
  readonly #journal: Journal;
  readonly #logs = new Map<number, OutlinedLog>();
  readonly #positions = new Map<string, number>();
  /** What was read last; the next read may go on in the middle of it. */
  #recent: { readonly place: number; readonly notifications: StoredNotification[] } | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Adds the entry at a place, of which this is the head. */
  add({ pipelineId, count, positions }: CallHead, place: number): void {
    for (const [upstreamName, position] of positions) {
      this.#positions.set(keyOf(pipelineId, upstreamName), position);
    }
    if (count === 0) return;
    const log = this.#logs.get(pipelineId) ?? { places: [], lastIds: [] };
    log.lastIds.push((log.lastIds.at(-1) ?? 0) + count);
    log.places.push(place);
    this.#logs.set(pipelineId, log);
  }

  notifications(pipelineId: number, after: number, limit: number): StoredNotification[] {
    const log = this.#logs.get(pipelineId);
    const found: StoredNotification[] = [];
    if (log === undefined) return found;
    for (let index = indexAfter(log.lastIds, after); index < log.places.length; index += 1) {
      if (found.length >= limit) break;
      const firstId = (log.lastIds[index - 1] ?? 0) + 1;
      const start = Math.max(after + 1 - firstId, 0);
      const notifications = this.#read(log.places[index] ?? 0, firstId);
      const end = start + limit - found.length;
      for (const notification of notifications.slice(start, end)) found.push(notification); // too many to spread
    }
    return found;
  }

  head(pipelineId: number): number {
    return this.#logs.get(pipelineId)?.lastIds.at(-1) ?? 0;
  }

  position(pipelineId: number, upstreamName: string): number {
    return this.#positions.get(keyOf(pipelineId, upstreamName)) ?? 0;
  }

  #read(place: number, firstId: number): StoredNotification[] {
    if (this.#recent?.place !== place) {
      const events = processEventsOf(this.#journal.readBody(place)).flatMap((one) => one.events);
      const notifications = events.map((event, index) => ({ id: firstId + index, ...event }));
      this.#recent = { place, notifications };
    }
    return this.#recent.notifications;
  }
}

function keyOf(pipelineId: number, upstreamName: string): string {
  return `${pipelineId} ${upstreamName}`;
}

/** Where the first id above `after` is; the ids ascend. */
function indexAfter(lastIds: readonly number[], after: number): number {
  let low = 0;
  let high = lastIds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lastIds[middle] ?? Infinity) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
