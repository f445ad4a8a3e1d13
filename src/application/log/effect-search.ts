import type { Cause } from '../../domain/provenance.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { type LatePlace, noneLate } from '../parking/late-effects.ts';
import { orderedStretches, type Stretch } from './effect-order.ts';

/** Notifications in the log of an upstream, by the ids of the first and the last. */
export interface CauseRange {
  /** Name of the upstream. */
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly first: number;
  readonly last: number;
}

/** An event of a follower, and the notification of the upstream that caused it. */
export interface Effect {
  readonly notificationId: number;
  readonly causeId: number;
}

/** The part of a recorder that the search uses. */
export type CauseReader = Pick<Recorder, 'causes' | 'head' | 'operations'>;

/** Number of causes in the first page of a stretch of the log; further pages are larger, up to `pageSize`. */
const firstPageSize = 16;
const pageSize = 1_024;
const pageGrowth = 4;

/**
 * Finds the events in a follower's log that notifications of an upstream caused, in order and page by page. Events that
 * are recorded after the search began, or missing in a damaged log, are left out.
 *
 * A follower processes an upstream in order, so the causes from that upstream ascend in its log, and the first effect is
 * found by binary search. Stretches in which they do not ascend, as after a replay, are read as a whole. At a place without an effect of that upstream, the search reads forward to the next one. So it
 * reads about `log2(events / 1024)` small pages if effects of that upstream are frequent and, however rare they are, no
 * stretch of the log more than twice.
 *
 * @param after Id in the follower's log at or before which the range has no effects.
 * @param late Notifications that the follower has processed after it had parked them; see {@link lateEffectsOf}.
 */
export async function* effectsOf(
  reader: CauseReader,
  pipelineId: number,
  causes: CauseRange,
  after = 0,
  late: ReadonlyMap<number, unknown> = noneLate,
): AsyncGenerator<readonly Effect[], void, undefined> {
  const head = await reader.head(pipelineId); // the log may grow as fast as it is read
  const log = new EffectLog(reader, pipelineId, causes, late);
  const whole = { from: after, to: head };
  for (const { isOrdered, ...stretch } of await orderedStretches(reader, pipelineId, whole))
    yield* isOrdered ? orderedEffects(log, causes, stretch) : unorderedEffects(log, causes, stretch);
}

/** Finds effects in a stretch in which the causes ascend. */
async function* orderedEffects(
  log: EffectLog,
  causes: CauseRange,
  stretch: Stretch,
): AsyncGenerator<readonly Effect[], void, undefined> {
  for (const { from, to } of await firstStretches(log, causes.first, stretch)) {
    for await (const all of log.pages(from, to)) {
      const effects = within(causes, all);
      if (effects.length > 0) yield effects;
      if (all.some(({ causeId }) => causeId > causes.last)) return;
    }
  }
}

/** Finds effects in a stretch in which the causes are in any order. */
async function* unorderedEffects(
  log: EffectLog,
  causes: CauseRange,
  { from, to }: Stretch,
): AsyncGenerator<readonly Effect[], void, undefined> {
  for await (const all of log.pages(from, to)) {
    const effects = within(causes, all);
    if (effects.length > 0) yield effects;
  }
}

function within({ first, last }: CauseRange, effects: readonly Effect[]): readonly Effect[] {
  return effects.filter(({ causeId }) => causeId >= first && causeId <= last);
}

/**
 * Finds the events that late notifications of a range caused: those that the follower has processed after it had parked them.
 * Their effects are behind effects of later notifications, so that {@link effectsOf} leaves them out.
 */
export async function* lateEffectsOf(
  reader: CauseReader,
  pipelineId: number,
  causes: CauseRange,
  late: ReadonlyMap<number, LatePlace>,
): AsyncGenerator<readonly Effect[], void, undefined> {
  for (const { notificationId, after, effects: count } of late.values()) {
    if (notificationId < causes.first || notificationId > causes.last) continue;
    const log = new EffectLog(reader, pipelineId, causes, noneLate);
    const found: Effect[] = [];
    const head = count === 0 ? after : await reader.head(pipelineId);
    for await (const all of log.pages(after, head)) {
      found.push(...all.filter(({ causeId }) => causeId === notificationId));
      if (found.length >= count) break;
    }
    if (found.length > 0) yield found;
  }
}

/** Returns two stretches that hold all effects of notifications from `first` on; the first one is at most a page long. */
async function firstStretches(
  log: EffectLog,
  first: number,
  { from, to }: Stretch,
): Promise<readonly Stretch[]> {
  let low = from; // all effects up to here have earlier causes
  let high = to; // no effects from here to `next`; all effects after `next` have causes from `first` on
  let next = to;
  let probe = from; // the effects often begin here
  do {
    const effect = await log.firstEffect({ from: probe, to: high });
    if (effect !== undefined && effect.causeId < first) low = effect.notificationId;
    else high = probe;
    if (effect !== undefined && effect.causeId >= first) next = effect.notificationId - 1;
    probe = low + Math.floor((high - low) / 2);
  } while (high - low > pageSize);
  return [
    { from: low, to: high },
    { from: next, to },
  ];
}

/** The effects of one upstream in a follower's log. */
class EffectLog {
  readonly #reader: CauseReader;
  readonly #pipelineId: number;
  readonly #upstream: Pick<Cause, 'applicationName' | 'pipelineId'>;
  readonly #late: ReadonlyMap<number, unknown>;

  /** @param late Notifications whose effects are left out. */
  constructor(
    reader: CauseReader,
    pipelineId: number,
    upstream: Pick<Cause, 'applicationName' | 'pipelineId'>,
    late: ReadonlyMap<number, unknown>,
  ) {
    this.#late = late;
    this.#reader = reader;
    this.#pipelineId = pipelineId;
    this.#upstream = upstream;
  }

  async firstEffect(stretch: Stretch): Promise<Effect | undefined> {
    for await (const [effect] of this.pages(stretch.from, stretch.to))
      if (effect !== undefined) return effect;
    return undefined;
  }

  /** Reads a stretch in growing pages: near effects are frequent, and rare effects need few reads. */
  async *pages(from: number, to: number): AsyncGenerator<readonly Effect[], void, undefined> {
    let size = firstPageSize;
    for (let place = from; place < to; size = Math.min(size * pageGrowth, pageSize)) {
      const causes = await this.#reader.causes(this.#pipelineId, place, Math.min(size, to - place));
      if (causes.length === 0) return;
      yield this.#effectsIn(causes, place);
      place += causes.length;
    }
  }

  #effectsIn(causes: readonly (Cause | undefined)[], after: number): readonly Effect[] {
    const { applicationName, pipelineId } = this.#upstream;
    return causes.flatMap((cause, i) =>
      cause?.applicationName === applicationName &&
      cause.pipelineId === pipelineId &&
      !this.#late.has(cause.notificationId)
        ? [{ notificationId: after + i + 1, causeId: cause.notificationId }]
        : [],
    );
  }
}
