import { ParkedConflictError } from '../errors.ts';
import { inOrder } from '../name-order.ts';
import {
  type ParkedChange,
  type ParkedCount,
  type ParkedKey,
  type ParkedNotification,
  type ParkedRequest,
  parkedChanges,
  parkedKey,
  repeatedChange,
} from '../parked.ts';
import type { ProcessEvent } from '../recorder.ts';
import { countUpTo } from './sorted-list.ts';

/** A parked notification of any pipeline. */
export interface ParkedEntry extends ParkedNotification {
  readonly pipelineId: number;
}

/** Parked notifications to take over, and the number that was given last, which is higher if some were deleted. */
export interface ParkedContents {
  readonly lastId: number;
  readonly entries: readonly ParkedEntry[];
}

/** The parked notifications of one application. */
export class ParkedNotifications {
  readonly #byKey = new Map<string, ParkedEntry>();
  /** Ascends by id. */
  readonly #inOrder: ParkedEntry[] = [];
  #lastId = 0;

  get contents(): ParkedContents {
    return { lastId: this.#lastId, entries: this.#inOrder };
  }

  /** Takes over contents of another memory, in parts. */
  restore({ lastId, entries }: ParkedContents): void {
    this.#lastId = lastId;
    for (const entry of entries) this.#add(entry);
  }

  /** Returns the conflict of a change that is not as expected; undefined if there is none. */
  conflictWith(
    applicationName: string,
    pipelineId: number,
    processEvents: readonly ProcessEvent[],
  ): ParkedConflictError | undefined {
    const changes = parkedChanges(processEvents);
    if (changes.length === 0) return undefined;
    const conflict = changes.find((change) => this.#isRefused(pipelineId, change)) ?? repeatedChange(changes);
    return conflict && new ParkedConflictError(applicationName, conflict);
  }

  /** Applies a change whose revision is as expected. */
  apply(pipelineId: number, { upstreamName, notificationId, expected, content }: ParkedChange): void {
    const key = keyOf(pipelineId, { upstreamName, notificationId });
    const known = this.#byKey.get(key);
    const id = known?.id ?? this.#lastId + 1;
    if (content === undefined) {
      this.#byKey.delete(key);
      this.#inOrder.splice(this.#indexOf(id), 1);
      return;
    }
    const { originatorId, isDue, attempts, since, reason } = content;
    const revision = expected + 1;
    const names = { pipelineId, upstreamName, notificationId, originatorId };
    const entry = { id, revision, ...names, isDue, attempts, since, reason };
    if (known === undefined) {
      this.#lastId = id;
      this.#add(entry);
      return;
    }
    this.#byKey.set(key, entry);
    this.#inOrder[this.#indexOf(id)] = entry;
  }

  page({ pipelineId, after, limit, upstreamName, isDue }: ParkedRequest): ParkedNotification[] {
    const found: ParkedNotification[] = [];
    const isSelected = (entry: ParkedEntry) =>
      entry.pipelineId === pipelineId &&
      (upstreamName === undefined || entry.upstreamName === upstreamName) &&
      (isDue === undefined || entry.isDue === isDue);
    for (let index = countUpTo(this.#inOrder, after, idOf); index < this.#inOrder.length; index += 1) {
      if (found.length >= limit) break;
      const entry = this.#inOrder[index] as ParkedEntry;
      if (isSelected(entry)) found.push(parkedOf(entry));
    }
    return found;
  }

  /** Counts by upstream, in the order of pipelines and of names by UTF-8 bytes. */
  counts(): ParkedCount[] {
    const counts = new Map<string, { pipelineId: number; upstreamName: string; count: number }>();
    for (const { pipelineId, upstreamName } of this.#inOrder) {
      const key = `${pipelineId} ${upstreamName}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { pipelineId, upstreamName, count: 1 });
      else known.count += 1;
    }
    return inOrder([...counts.values()]);
  }

  #isRefused(pipelineId: number, change: ParkedChange): boolean {
    const { revision = 0 } = this.#byKey.get(keyOf(pipelineId, change)) ?? {};
    return revision !== change.expected || (revision === 0 && change.content === undefined);
  }

  #add(entry: ParkedEntry): void {
    this.#byKey.set(keyOf(entry.pipelineId, entry), entry);
    this.#inOrder.push(entry);
  }

  #indexOf(id: number): number {
    return countUpTo(this.#inOrder, id, idOf) - 1;
  }
}

function parkedOf({ pipelineId: _, ...parked }: ParkedEntry): ParkedNotification {
  return parked;
}

function idOf({ id }: ParkedEntry): number {
  return id;
}

function keyOf(pipelineId: number, key: ParkedKey): string {
  return `${pipelineId} ${parkedKey(key)}`;
}
