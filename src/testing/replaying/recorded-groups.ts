import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';

/** Events that an application recorded for one notification of an upstream, next to each other in its log. */
export interface EffectGroup {
  /** Id of the notification. */
  readonly causeId: number;
  readonly events: readonly StoredNotification[];
}

/** Log of an application and the upstream whose effects are looked for. */
export interface EffectSource {
  readonly recorder: Recorder;
  readonly pipelineId: number;
  readonly upstreamName: string;
  /** Id of the last notification of the log to read. */
  readonly head: number;
}

const causesAtOnce = 4_096;
const eventsAtOnce = 500;

/** Reads the effects of the notifications of an upstream, in the order of the notifications, in bounded memory. */
export class RecordedGroups {
  readonly #source: EffectSource;
  /** Ids of the first effects that do not follow those of all earlier notifications, by notification. */
  readonly #late: ReadonlyMap<number, readonly number[]>;
  readonly #inOrder: AsyncGenerator<EffectGroup, void, undefined>;
  #next: EffectGroup | undefined;
  #isOpen = true;
  /** Id behind the effects that were read last. */
  #behindNext = 1;
  /** Id behind the effects, in order, of the notifications before the one that was asked for last. */
  behind = 1;

  private constructor(source: EffectSource, late: ReadonlyMap<number, readonly number[]>) {
    this.#source = source;
    this.#late = late;
    this.#inOrder = groupsInOrder(source);
  }

  /** Finds the effects that are out of order, such as those of retried notifications: they alone are kept in memory. */
  static async open(source: EffectSource): Promise<RecordedGroups> {
    const { recorder, pipelineId, upstreamName, head } = source;
    const late = new Map<number, number[]>();
    let newest = 0;
    let before = 0;
    for (let after = 0; after < head; after += causesAtOnce) {
      const causes = await recorder.causes(pipelineId, after, Math.min(causesAtOnce, head - after));
      for (const [index, cause] of causes.entries()) {
        const isHere = cause?.applicationName === upstreamName && cause.pipelineId === pipelineId;
        const id = isHere ? cause.notificationId : 0;
        if (id > 0 && id !== before && id <= newest)
          late.set(id, [...(late.get(id) ?? []), after + index + 1]);
        if (id > newest) newest = id;
        before = id;
      }
    }
    return new RecordedGroups(source, late);
  }

  /** Reads the effects of a notification. Notifications must be asked for in order. */
  async of(notificationId: number): Promise<readonly StoredNotification[]> {
    this.behind = Math.max(this.behind, this.#behindNext);
    const ordered: StoredNotification[] = [];
    for (;;) {
      if (this.#next === undefined && this.#isOpen) await this.#advance();
      const next = this.#next;
      if (next === undefined || next.causeId > notificationId) break;
      this.#next = undefined;
      this.#behindNext = (next.events.at(-1)?.id ?? 0) + 1;
      if (next.causeId < notificationId) this.behind = this.#behindNext;
      else ordered.push(...next.events);
    }
    const late = await Promise.all((this.#late.get(notificationId) ?? []).map((id) => this.#groupAt(id)));
    return [...ordered, ...late.flat()];
  }

  /** Id of the first effect of a later notification, or behind the end of the log. */
  get next(): number {
    return this.#next?.events[0]?.id ?? this.#source.head + 1;
  }

  async #advance(): Promise<void> {
    const { value } = await this.#inOrder.next();
    this.#next = value ?? undefined;
    this.#isOpen = this.#next !== undefined;
  }

  async #groupAt(id: number): Promise<readonly StoredNotification[]> {
    for await (const { events } of groupsIn(this.#source, id - 1)) return events;
    return [];
  }
}

async function* groupsInOrder(source: EffectSource): AsyncGenerator<EffectGroup, void, undefined> {
  let newest = 0;
  for await (const group of groupsIn(source, 0)) {
    if (group.causeId <= newest) continue;
    newest = group.causeId;
    yield group;
  }
}

/** Reads the effects behind an id of the log. */
async function* groupsIn(
  { recorder, pipelineId, upstreamName, head }: EffectSource,
  start: number,
): AsyncGenerator<EffectGroup, void, undefined> {
  let causeId = 0;
  let events: StoredNotification[] = [];
  for (let after = start; after < head; ) {
    const page = await recorder.notifications(pipelineId, after, Math.min(eventsAtOnce, head - after));
    for (const event of page) {
      const { cause } = event;
      const isHere = cause?.applicationName === upstreamName && cause.pipelineId === pipelineId;
      const id = isHere ? cause.notificationId : 0;
      if (id !== causeId) {
        if (causeId > 0) yield { causeId, events };
        events = [];
        causeId = id;
      }
      if (id > 0) events.push(event);
    }
    after = page.at(-1)?.id ?? head;
  }
  if (causeId > 0) yield { causeId, events };
}
