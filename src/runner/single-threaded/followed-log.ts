import type { Progress } from '../../application/following/batches/batch-options.ts';
import { effectsOf, lateEffectsOf } from '../../application/log/effect-search.ts';
import type { NotificationLog } from '../../application/log/notification-log.ts';
import { awaitedParked, parkedError } from '../../application/parking/awaited-parked.ts';
import { type LateEffects, type LatePlace, noneLate } from '../../application/parking/late-effects.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { type TrackedRange, TrackedRanges } from './tracked-ranges.ts';
import type { Wait } from './wait.ts';

/** What was parked in a batch, by notification. */
type ParkedIn = NonNullable<Progress['parked']>;

/** Events with their types, in the order of their log. */
export type TypedEvents = readonly { readonly type: string }[];

/** An application whose log is followed. */
export interface Upstream {
  readonly name: string;
  readonly log: NotificationLog;
  /** Id of the last notification in the log that is known. */
  readonly head: number;
  /** Notes that the log has a notification with this id. */
  sawHead(head: number): void;
}

/** An application that follows logs. */
export interface FollowingApplication extends Upstream {
  /** Number of the application in the system. */
  readonly index: number;
  readonly recorder: Recorder;
  /** What was processed late, after it had been parked; undefined if the application parks nothing. */
  readonly late: LateEffects | undefined;
  /** Whether the application does nothing until its storage is tried again. */
  readonly isResting: boolean;
  /** Whether the application is paused: it processes nothing, and no save waits for it. */
  readonly isPaused: boolean;
  /** The error that stopped the application. */
  readonly failure: { readonly error: unknown } | undefined;
  /** Makes a wait wait for `events[start]` up to `events[end - 1]` in the log; `before` is the id before `events[0]`. */
  track(wait: Wait, before: number, events: TypedEvents, start: number, end: number): void;
  /** Makes a wait wait for an event of an unknown type in the log. */
  trackOne(wait: Wait, notificationId: number): void;
}

/**
 * The log of an upstream that an application of this thread follows, and the waits for its notifications. When the
 * application processes a notification, its waits move on to the effects, in the logs that follow.
 */
export class FollowedLog<Follower extends FollowingApplication = FollowingApplication> {
  readonly upstream: Upstream;
  readonly follower: Follower;
  readonly #handledTypes: ReadonlySet<string>;
  readonly #tracked = new TrackedRanges();
  /** Ranges that are processed, but whose effects were not reported: another runner recorded them, or recorded first. */
  readonly #missed = new Set<TrackedRange>();
  /** Id of the last notification that is handled or ignored; -1 until it is known. */
  #seen = -1;
  /** Head of the follower's log when it recorded a position: effects of later notifications are behind. */
  #recorded = { position: 0, head: 0 };
  /** Whether another process may have extended the log. */
  mayHaveGrown = false;
  /** Why the next notification must wait for another pipeline or another version. */
  blockedBy: unknown;
  /** Whether the next notification is not tried before the delay of an error rule is over. */
  isResting = false;

  /** @param handledTypes Types that the follower handles, as events have them before and after they are recorded. */
  constructor(upstream: Upstream, follower: Follower, handledTypes: Iterable<string>) {
    this.upstream = upstream;
    this.follower = follower;
    this.#handledTypes = new Set(handledTypes);
  }

  get seen(): number {
    return this.#seen;
  }

  /** Whether the follower follows its own log. */
  get isOwn(): boolean {
    return this.upstream.name === this.follower.name;
  }

  get hasMissed(): boolean {
    return this.#missed.size > 0;
  }

  /** Whether there is work that the follower can do. */
  get isDue(): boolean {
    if (this.follower.isResting) return false;
    if (this.isResting && !this.hasMissed) return false;
    if (this.hasMissed) return true;
    if (this.follower.isPaused) return false;
    return this.follower.failure === undefined && (this.mayHaveGrown || this.#seen < this.upstream.head);
  }

  /** Makes a wait wait for notifications with ids above `after`, up to `last`. */
  track(after: number, last: number, wait: Wait, isHandled: boolean): void {
    const { failure } = this.follower;
    const seen = Math.min(this.#seen, last);
    if (seen > after) {
      wait.begin();
      this.#missed.add({ after, last: seen, wait, isHandled });
    }
    if (seen === last) return;
    const rest = Math.max(after, seen);
    if (this.follower.isPaused && wait.heads === undefined) return;
    if (failure === undefined) {
      wait.begin();
      this.#tracked.add({ after: rest, last, wait, isHandled });
    } else if (isHandled) wait.fail(this.follower.name, failure.error);
  }

  /** Makes a wait wait for `events[start]` up to `events[end - 1]`; `before` is the id before `events[0]`. */
  trackEvents(wait: Wait, before: number, events: TypedEvents, start: number, end: number): void {
    let handledEnd = end; // the follower ignores the events from here on
    while (
      handledEnd > start &&
      !this.#handledTypes.has((events[handledEnd - 1] as TypedEvents[number]).type)
    )
      handledEnd -= 1;
    if (handledEnd > start) this.track(before + start, before + handledEnd, wait, true);
    if (handledEnd < end) this.track(before + handledEnd, before + end, wait, false);
  }

  /** Moves waits from the notifications of a batch to their effects. */
  progressed({ from, to, effects, head = 0, parked }: Progress): void {
    this.sawUpTo(from); // notifications before the batch were processed elsewhere
    if (to <= this.#seen) return;
    this.#seen = to;
    if (head > 0) this.#recorded = { position: to, head };
    if (this.#tracked.isEmpty) return;
    const before = head - effects.length;
    for (const range of this.#tracked.takeUpTo(to)) {
      const { after, last, wait } = range;
      if (parked !== undefined && parked.size > 0) this.#failParked(range, parked);
      const start = firstCausedAfter(effects, after);
      const end = firstCausedAfter(effects, last);
      if (start < end) this.follower.track(wait, before, effects, start, end);
      wait.end();
    }
  }

  /** Notes that notifications up to an id are processed, by this runner or another. */
  sawUpTo(id: number): void {
    if (id <= this.#seen) return;
    this.#seen = id;
    if (this.#tracked.isEmpty) return;
    for (const range of this.#tracked.takeUpTo(id)) this.#missed.add(range);
  }

  /**
   * Notes that only notifications up to an id are done: another version handles what the follower has ignored. Returns
   * whether there are others behind.
   */
  rewindTo(id: number): boolean {
    const isBehind = id < this.#seen;
    if (isBehind) this.#seen = id;
    return isBehind;
  }

  /** Finds the effects that were not reported, in the log of the follower. */
  async findMissedEffects(): Promise<void> {
    const { recorder, index } = this.follower;
    const upstream = { applicationName: this.upstream.name, pipelineId: localPipelineId };
    const { late } = this.follower;
    for (const range of this.#missed) {
      const { after, last, wait } = range;
      if (late !== undefined) await this.#findParked(range, late);
      const causes = { ...upstream, first: after + 1, last };
      const { position, head } = this.#recorded;
      const before = Math.max(wait.heads?.[index] ?? 0, after >= position ? head : 0);
      for await (const effects of effectsOf(recorder, localPipelineId, causes, before, this.#lateOnes)) {
        for (const { notificationId } of effects) this.follower.trackOne(wait, notificationId);
      }
      if (this.#missed.delete(range)) wait.end(); // else its wait was dropped meanwhile
    }
  }

  get #lateOnes(): ReadonlyMap<number, LatePlace> {
    return this.follower.late?.of(this.upstream.name, localPipelineId) ?? noneLate;
  }

  /** Fails the wait for a range if something in it is parked, and finds the effects of what was processed late. */
  async #findParked({ after, last, wait }: TrackedRange, late: LateEffects): Promise<void> {
    const { recorder, name: applicationName } = this.follower;
    const application = { applicationName, pipelineId: localPipelineId };
    const { name } = this.upstream;
    const error = await awaitedParked(application, recorder, name, (id) => id > after && id <= last);
    if (error !== undefined) wait.fail(applicationName, error);
    await late.load();
    const causes = { applicationName: name, pipelineId: localPipelineId, first: after + 1, last };
    for await (const effects of lateEffectsOf(recorder, localPipelineId, causes, this.#lateOnes))
      for (const { notificationId } of effects) this.follower.trackOne(wait, notificationId);
  }

  /** Fails the wait for a range if something in it is parked. */
  #failParked({ after, last, wait, isHandled }: TrackedRange, parked: ParkedIn): void {
    if (!isHandled) return;
    for (const [notificationId, content] of parked) {
      if (notificationId <= after || notificationId > last) continue;
      const key = { upstreamName: this.upstream.name, notificationId };
      const application = { applicationName: this.follower.name, pipelineId: localPipelineId };
      wait.fail(this.follower.name, parkedError(application, key, content));
    }
  }

  /** Ends the waits of saves, which do not wait for a paused follower. */
  releaseSaves(): void {
    for (const range of this.#tracked.takeAll()) {
      if (range.wait.heads === undefined) range.wait.end();
      else this.#tracked.add(range);
    }
  }

  /** Removes the waits for notifications that the follower cannot process because of an error. */
  reject(error: unknown): void {
    for (const range of this.#tracked.takeAll()) this.#reject(range, error);
  }

  /** Removes the waits whose effects cannot be found because of an error. */
  rejectMissed(error: unknown): void {
    for (const range of this.#missed) this.#reject(range, error);
    this.#missed.clear();
  }

  /** Removes a wait whose caller has given up. */
  drop(wait: Wait): void {
    this.#tracked.remove(wait);
    for (const range of this.#missed) if (range.wait === wait) this.#missed.delete(range);
  }

  /** Removes all waits and returns them. */
  takeWaits(): readonly Wait[] {
    const ranges = [...this.#tracked.takeAll(), ...this.#missed];
    this.#missed.clear();
    return ranges.map(({ wait }) => wait);
  }

  #reject({ wait, isHandled }: TrackedRange, error: unknown): void {
    if (isHandled) wait.fail(this.follower.name, error);
    wait.end();
  }
}

/** Index of the first effect whose cause has an id above `id`; causes ascend. */
function firstCausedAfter(effects: readonly StoredEvent[], id: number): number {
  let low = 0;
  let high = effects.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const causeId = effects[middle]?.cause?.notificationId ?? 0;
    if (causeId > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
