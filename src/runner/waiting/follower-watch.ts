import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { mayPark } from '../../application/error-rules/error-rules.ts';
import { type CauseReader, effectsOf, lateEffectsOf } from '../../application/log/effect-search.ts';
import { fitOf } from '../../application/log/mark.ts';
import { awaitedParked } from '../../application/parking/awaited-parked.ts';
import { awaitedNotifications } from '../../application/parking/awaited-retry.ts';
import type { NotificationParkedError } from '../../application/parking/errors.ts';
import { type LateEffects, type LatePlace, noneLate } from '../../application/parking/late-effects.ts';
import { ParkingTraces } from '../../application/parking/parking-traces.ts';
import { processApplicationInternals } from '../../application/process-application.ts';
import { retryTransient } from '../retry-transient.ts';
import { IdRanges } from './id-ranges.ts';
import { PositionWatch } from './position-watch.ts';
import { type FollowerState, restUntilProgress, type WatchedFollowers } from './watched-followers.ts';

/** Shortest and longest time between two looks at parked notifications that are about to be tried, in ms. */
const shortestRestMs = 5;
const longestRestMs = 250;
/** Largest number of ranges of effects that are held at a time. */
const mostRanges = 256;
/** A longer gap between ids is skipped by a search for the effects after it. */
const longestGap = 1_024;

/** An application and an upstream that it follows: shows what is processed, and what was recorded for it. */
export class FollowerWatch {
  readonly application: Application;
  readonly #upstreamName: string;
  readonly #followers: WatchedFollowers;
  readonly #causes: CauseReader;
  readonly #positions: PositionWatch;
  readonly #traces: ParkingTraces;

  /** `causes` reads the log of the application. */
  constructor(
    application: Application,
    upstream: Application,
    followers: WatchedFollowers,
    causes: CauseReader,
  ) {
    const { pipelineId, log } = application;
    const { applicationName: upstreamName } = upstream;
    this.application = application;
    this.#upstreamName = upstreamName;
    this.#followers = followers;
    this.#causes = causes;
    const { recorder } = applicationInternals.storeOf(application);
    this.#traces = ParkingTraces.of(
      recorder,
      mayPark(application.constructor as unknown as ApplicationClass),
    );
    this.#positions = new PositionWatch({
      progress: followers.progress,
      state: () => this.#state,
      refresh: async () => followers.refresh?.(),
      head: () => log.head(),
      position: () => processApplicationInternals.donePosition(application, upstreamName),
      fits: async (position) => (await fitOf(position, upstream.log)).fits,
      requestPosition: () => followers.requestPositions(upstreamName, pipelineId),
    });
  }

  /** Whether another runner runs the application. */
  get isElsewhere(): boolean {
    return this.#state.state === 'elsewhere';
  }

  /** Makes the next wait compare the position with the log of the upstream again. */
  compareAgain(): void {
    this.#positions.compareAgain();
  }

  /** Resolves when the application has processed the notifications; see {@link PositionWatch.reached}. */
  processed(ids: IdRanges, signal: AbortSignal): Promise<void> {
    return this.#positions.reached(ids.last, signal);
  }

  /** Returns an error if one of the notifications is parked. */
  async parkedAmong(ids: IdRanges, signal: AbortSignal): Promise<NotificationParkedError | undefined> {
    if ((await this.#findLate(signal)) === undefined) return undefined;
    const { applicationName, pipelineId } = this.application;
    const { recorder } = applicationInternals.storeOf(this.application);
    const find = () =>
      awaitedParked({ applicationName, pipelineId }, recorder, this.#upstreamName, (id) => ids.has(id));
    return await retryTransient(find, signal);
  }

  /**
   * Returns an error if one of the notifications is parked. Waits for those that the application is about to try, unless it
   * has failed.
   */
  async parkedAfterRetries(ids: IdRanges, signal: AbortSignal): Promise<unknown> {
    if ((await this.#findLate(signal)) === undefined) return undefined;
    const { applicationName, pipelineId } = this.application;
    const { recorder } = applicationInternals.storeOf(this.application);
    const find = () =>
      awaitedNotifications({ applicationName, pipelineId }, recorder, this.#upstreamName, (id) =>
        ids.has(id),
      );
    for (let ms = shortestRestMs; ; ms = Math.min(2 * ms, longestRestMs)) {
      const { progress } = this.#followers;
      const seen = progress.progress;
      const { error, isDue } = await retryTransient(find, signal);
      if (!isDue) return error;
      if (this.#state.state === 'failed') await this.#followers.refresh?.();
      const { state, lastError } = this.#state;
      if (state === 'failed') return lastError;
      await restUntilProgress(progress, seen, ms, signal);
    }
  }

  /**
   * Finds the events that the application recorded when it processed the notifications, in portions of limited size.
   *
   * @param after Id in its log at or before which there are no such events.
   */
  async *effectsOf(
    ids: IdRanges,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<IdRanges, void, undefined> {
    const { pipelineId } = this.application;
    const reader = this.#reader(signal);
    const late = await this.#lateOnes(signal);
    let found = new IdRanges();
    for (const { first, last } of ids.spans(longestGap)) {
      const causes = { applicationName: this.#upstreamName, pipelineId, first, last };
      const from = Math.max(after, this.#positions.headBefore(first));
      for await (const effects of effectsOf(reader, pipelineId, causes, from, late)) {
        for (const { notificationId, causeId } of effects) if (ids.has(causeId)) found.add(notificationId);
        if (found.size < mostRanges) continue;
        yield found;
        found = new IdRanges();
      }
    }
    if (found.size > 0) yield found;
    for (const { first, last } of late.size === 0 ? [] : ids.spans(0)) {
      const causes = { applicationName: this.#upstreamName, pipelineId, first, last };
      for await (const effects of lateEffectsOf(reader, pipelineId, causes, late)) {
        const lateIds = new IdRanges();
        for (const { notificationId } of effects) lateIds.add(notificationId);
        yield lateIds;
      }
    }
  }

  /** Returns what the application has processed late; undefined if it has parked nothing. */
  #findLate(signal: AbortSignal): Promise<LateEffects | undefined> {
    return retryTransient(() => this.#traces.find(), signal);
  }

  /** Reads which notifications of the upstream were processed after they had been parked. */
  async #lateOnes(signal: AbortSignal): Promise<ReadonlyMap<number, LatePlace>> {
    const late = await this.#findLate(signal);
    if (late === undefined) return noneLate;
    await retryTransient(() => late.load(), signal);
    return late.of(this.#upstreamName, this.application.pipelineId);
  }

  get #state(): FollowerState {
    const { applicationName, pipelineId } = this.application;
    return this.#followers.stateOf(applicationName, pipelineId);
  }

  /** Reads the log, and waits while its storage is unavailable. */
  #reader(signal: AbortSignal): CauseReader {
    const causes = this.#causes;
    const patiently = <T>(read: () => Promise<T>) => retryTransient(read, signal);
    return {
      head: (pipelineId) => patiently(() => causes.head(pipelineId)),
      operations: (after, limit) => patiently(() => causes.operations(after, limit)),
      causes: (pipelineId, after, limit) => patiently(() => causes.causes(pipelineId, after, limit)),
    };
  }
}
