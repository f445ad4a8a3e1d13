import { IdSet } from '../../application/log/id-set.ts';
import type { Cause } from '../../domain/provenance.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { causeText, type FaultKind, faultIn, type LogName } from './fault.ts';
import type { LogWalk } from './log-walk.ts';
import type { FaultList } from './verification.ts';

/** A log that causes of events of another log name. */
export interface CauseSource {
  /** The walk through the log; undefined for a log that is not part of the system. */
  readonly walk: LogWalk | undefined;
  /** Head of the log, at or behind which every cause is. */
  readonly head: number;
  /** Position in the log that the application of the effects has recorded. */
  readonly position: number;
  /** Causes so far, if they need not ascend: the position was moved back, or there were replays. */
  readonly seen: IdSet | undefined;
  /** Notifications of the log that the application has parked, so that they have no effects. */
  readonly parked: ReadonlySet<number>;
  /** Notifications that the application has processed late, after it had parked them. */
  readonly late: ReadonlyMap<number, unknown>;
  /** Id of the last cause so far. */
  last: number;
}

/** Returns the log of an upstream. */
type SourceOf = (upstream: LogName) => Omit<CauseSource, 'last' | 'seen'>;

/** What is wrong with a cause. */
interface CauseFault {
  readonly kind: FaultKind;
  /** End of the message. */
  readonly reason: string;
}

/** Checks the causes of the events of one log, in the order of the log. */
export class CauseCheck {
  readonly #log: LogName;
  readonly #sourceOf: SourceOf;
  /** Whether the causes from one upstream ascend. */
  readonly #isOrdered: boolean;
  readonly #faults: FaultList;
  readonly #sources = new Map<string, Map<number, CauseSource>>();
  /** Source of the cause of the previous event; undefined if that event has none. */
  #previous: CauseSource | undefined;
  /** Cause of the previous event. */
  #previousCause = 0;
  /** Late causes whose effects have been passed, by source. */
  readonly #passedLate = new Map<CauseSource, Set<number>>();
  /** Number of events with causes. */
  count = 0;

  constructor(log: LogName, sourceOf: SourceOf, isOrdered: boolean, faults: FaultList) {
    this.#isOrdered = isOrdered;
    this.#log = log;
    this.#sourceOf = sourceOf;
    this.#faults = faults;
  }

  /** Returns the walk that must pass the cause first, if any. */
  blockedBy(cause: Cause): LogWalk | undefined {
    const { walk } = this.source(cause);
    if (walk === undefined || cause.notificationId > walk.head) return undefined;
    return cause.notificationId > walk.passed ? walk : undefined;
  }

  /** Checks the next event. `isForced` says that its cause is not before it. */
  check({ id: notificationId, cause }: StoredNotification, isForced = false): void {
    if (cause === undefined) {
      this.#previous = undefined;
      return;
    }
    this.count += 1;
    const source = this.source(cause);
    const { kind, reason } = this.#faultOf(cause, source) ?? {};
    if (kind !== undefined && !isForced) {
      const message = `notification ${notificationId} names ${causeText(cause)} as its cause, ${reason}`;
      this.#faults.add(faultIn(this.#log, { kind, notificationId, cause, message }));
    }
    // A cause that is out of place says nothing about the order of the others.
    if (kind === undefined && !isForced && !source.late.has(cause.notificationId))
      source.last = cause.notificationId;
    this.#previous = source;
    this.#previousCause = cause.notificationId;
  }

  source({ applicationName, pipelineId }: Cause): CauseSource {
    const known = this.#sources.get(applicationName);
    const sources = known ?? new Map<number, CauseSource>();
    if (known === undefined) this.#sources.set(applicationName, sources);
    let source = sources.get(pipelineId);
    if (source === undefined) {
      const seen = this.#isOrdered ? undefined : new IdSet();
      source = { ...this.#sourceOf({ applicationName, pipelineId }), seen, last: 0 };
      sources.set(pipelineId, source);
    }
    return source;
  }

  #faultOf({ notificationId: cause }: Cause, source: CauseSource): CauseFault | undefined {
    const { walk, head, position, last } = source;
    if (cause > head || cause < 1 || walk?.lacks(cause)) {
      return { kind: 'cause-lost', reason: 'which does not exist.' };
    }
    if (cause > position) {
      const reason = `but the recorded position in that log is ${position}, so the application would process the cause again.`;
      return { kind: 'cause-beyond-position', reason };
    }
    if (source.parked.has(cause)) {
      return {
        kind: 'parked-processed',
        reason: 'which is still parked, so a retry would process it again.',
      };
    }
    if (source.late.has(cause)) return this.#faultOfLate(cause, source);
    // The effects of a notification are recorded together, in the order of the upstream unless it repeats notifications.
    if (source.seen !== undefined) return this.#faultOfRepeated(cause, source, source.seen);
    if (cause < last) {
      return { kind: 'effect-doubled', reason: `after effects of ${last}, so it was processed twice.` };
    }
    if (cause === last && this.#previous !== source) {
      return { kind: 'effect-doubled', reason: 'apart from its other effects, so it was processed twice.' };
    }
    return undefined;
  }

  #faultOfRepeated(cause: number, source: CauseSource, seen: IdSet): CauseFault | undefined {
    const isNext = cause === source.last && this.#previous === source;
    if (isNext || !seen.has(cause)) {
      seen.add(cause);
      return undefined;
    }
    return { kind: 'effect-doubled', reason: 'apart from its other effects, so it was processed twice.' };
  }

  /** The effects of a notification that was parked may be anywhere, but together. */
  #faultOfLate(cause: number, source: CauseSource): CauseFault | undefined {
    const passed = this.#passedLate.get(source) ?? new Set<number>();
    this.#passedLate.set(source, passed);
    const isApart = this.#previous !== source || this.#previousCause !== cause;
    if (passed.has(cause) && isApart)
      return { kind: 'effect-doubled', reason: 'apart from its other effects, so it was processed twice.' };
    passed.add(cause);
    return undefined;
  }
}
