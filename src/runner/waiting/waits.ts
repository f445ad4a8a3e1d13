import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { mayPark } from '../../application/error-rules/error-rules.ts';
import { ParkingTraces } from '../../application/parking/parking-traces.ts';
import { schemaIn } from '../../application/projection/schema-recorder.ts';
import type { Saved } from '../../application/recording/save-options.ts';
import { downstreamsOf, leadingTo, upstreamsOf } from '../../system/graph.ts';
import { assertPartOf, type System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { nameOf } from '../assignment.ts';
import { DownstreamError } from '../errors.ts';
import { retryTransient } from '../retry-transient.ts';
import type { ProcessedOptions, WaitOptions } from '../runner.ts';
import type { RunningSystem } from '../running-system.ts';
import { processedOptionsOf, signalOf } from '../wait-options.ts';
import { CauseCache } from './cause-cache.ts';
import { dueProcessed } from './due-notifications.ts';
import { type Branch, EffectWalk } from './effect-walk.ts';
import { FollowerWatch } from './follower-watch.ts';
import { IdRanges } from './id-ranges.ts';
import { FollowerFailure } from './position-watch.ts';
import { assertRecorded, assertSaved } from './saved-place.ts';
import type { WatchedFollowers } from './watched-followers.ts';

export interface WaitsParts {
  readonly system: System;
  readonly pipelineIds: readonly number[];
  /** The applications in this thread: they read logs and positions. */
  readonly running: RunningSystem;
  readonly followers: WatchedFollowers;
  /** Ends all waits. */
  readonly closed: AbortSignal;
}

/** A wait for what follows from a save. */
interface SavedWait {
  /** Name of the method, for messages. */
  readonly call: string;
  readonly saved: Saved;
  /** Names of the applications that are waited for. @default all but projections whose schema is being built */
  readonly names?: ReadonlySet<string>;
  /** What is not the case when an application fails, for messages. */
  readonly problem: string;
  readonly signal: AbortSignal | undefined;
}

/** The calls of a runner that wait until notifications are processed, wherever the followers run. */
export class Waits {
  readonly #parts: WaitsParts;
  readonly #watches = new Map<string, FollowerWatch>();
  readonly #causes = new Map<Application, CauseCache>();

  constructor(parts: WaitsParts) {
    this.#parts = parts;
  }

  /** Implements `settled()` of every runner, see {@link SystemRunner}. */
  async settled(saved: Saved, options: WaitOptions): Promise<void> {
    const { system } = this.#parts;
    const call = 'settled()';
    const signal = signalOf(options, call);
    assertSaved(saved, system, call);
    const problem = `The save in '${saved.applicationName}' is not settled.`;
    await this.#waitFor({ call, saved, problem, signal });
  }

  /** Implements `processed()` of every runner, see {@link SystemRunner}. */
  async processed(saved: Saved, options: ProcessedOptions): Promise<void> {
    const { system } = this.#parts;
    const call = 'processed()';
    const { by, signal } = processedOptionsOf(options);
    assertSaved(saved, system, call);
    assertPartOf(system, by);
    const names = leadingTo(system.graph, by.applicationName);
    const { applicationName } = saved;
    if (!downstreamsOf(system.graph, applicationName).some((name) => names.has(name))) {
      throw new InvalidArgumentError(
        `processed() would wait for ever: no pipeline leads from application '${applicationName}' to ` +
          `'${by.applicationName}'. Pass an application that follows '${applicationName}', directly or through others.`,
      );
    }
    const problem = `The save in '${applicationName}' is not processed by '${by.applicationName}'.`;
    await this.#waitFor({ call, saved, names, problem, signal });
  }

  /**
   * Resolves when everything that was recorded before the call is processed, and everything that follows from it,
   * except by failed applications. Once an application of this runner has failed, applications on other hosts are not
   * waited for. Resolves with whether no application has failed; one that has may have been resumed since.
   */
  async caughtUp(signal?: AbortSignal): Promise<boolean> {
    const failed = new AbortController();
    await this.#untilEnd(signal, async (end) => {
      const endElsewhere = AbortSignal.any([end, failed.signal]);
      const walk = new EffectWalk({
        followersOf: ({ application }) => this.#followersOf(application),
        signalOf: ({ isElsewhere }) => (isElsewhere ? endElsewhere : end),
        failed: (error) => {
          if (error instanceof FollowerFailure) failed.abort(error);
          else throw error;
        },
      });
      const branches = await this.#everything(end);
      await walk.run(branches);
      await assertNoneParked(branches, end);
    });
    return !failed.signal.aborted;
  }

  /** Resolves when parked notifications that are due are processed, except by failed applications. */
  async dueProcessed(signal?: AbortSignal): Promise<void> {
    const { pipelineIds, running, system, followers } = this.#parts;
    const applications = pipelineIds.flatMap((pipelineId) => [...running.in(pipelineId).values()]);
    await this.#untilEnd(signal, async (end) => {
      for (const one of applications) {
        const { applicationName, pipelineId } = one;
        if (this.#isBuilding(applicationName, one)) continue;
        if (upstreamsOf(system.graph, applicationName).length === 0) continue;
        const { recorder } = applicationInternals.storeOf(one);
        const traces = ParkingTraces.of(recorder, mayPark(one.constructor as unknown as ApplicationClass));
        const late = await retryTransient(() => traces.find(), end);
        if (late === undefined) continue;
        const processes = (upstream: string) =>
          downstreamsOf(system.graph, upstream).includes(applicationName) &&
          followers.stateOf(applicationName, pipelineId).state !== 'failed';
        const { progress } = followers;
        await dueProcessed({ recorder, pipelineId, progress, processes }, end);
      }
    });
  }

  async #waitFor({ call, saved, names, problem, signal }: SavedWait): Promise<void> {
    const { notificationId, count } = saved;
    const application = this.#applicationOf(saved);
    if (count === 0) return;
    const ids = IdRanges.of(notificationId - count + 1, notificationId);
    await this.#untilEnd(signal, async (end) => {
      await retryTransient(() => assertRecorded(saved, application, call), end);
      const walk = new EffectWalk({
        followersOf: (follower) => this.#followersOf(follower.application, names),
        processed: async (follower, notifications, ended) => {
          const parked = await follower.parkedAfterRetries(notifications, ended);
          if (parked !== undefined) throw new FollowerFailure(parked);
        },
        signalOf: () => end,
        failed: (error, { follower }) => {
          if (!(error instanceof FollowerFailure)) throw error;
          throw new DownstreamError(problem, new Map([[nameOf(follower.application), error.lastError]]));
        },
      });
      const followers = this.#followersOf(application, names);
      for (const follower of followers) follower.compareAgain(); // the log may have been restored while the system runs
      await walk.run(followers.map((follower) => ({ follower, ids, after: 0 })));
    });
  }

  /**
   * Returns all notifications in all logs. Compares all positions with the logs again, also of empty logs: a log may have
   * been restored from an older copy. Effects up to the present heads need no search: they are among them. Waits while a
   * log cannot be read.
   */
  async #everything(end: AbortSignal): Promise<readonly Branch[]> {
    const { pipelineIds, running } = this.#parts;
    const applications = pipelineIds.flatMap((pipelineId) => [...running.in(pipelineId).values()]);
    const headOf = async (one: Application) =>
      [one, await retryTransient(() => one.log.head(), end)] as const;
    const heads = new Map(await Promise.all(applications.map(headOf)));
    return applications.flatMap((upstream) => {
      const ids = IdRanges.of(1, heads.get(upstream) ?? 0);
      return this.#followersOf(upstream).map((follower) => {
        follower.compareAgain();
        return { follower, ids, after: heads.get(follower.application) ?? 0 };
      });
    });
  }

  #applicationOf({ applicationName, pipelineId }: Saved): Application {
    const { system, running } = this.#parts;
    const applicationClass = system.applications.find((one) => one.applicationName === applicationName);
    return running.get(applicationClass as ApplicationClass, pipelineId); // `assertSaved` knows the name
  }

  /** Returns the followers of an application in its pipeline, as far as they have one of the names. */
  #followersOf(upstream: Application, names?: ReadonlySet<string>): readonly FollowerWatch[] {
    return downstreamsOf(this.#parts.system.graph, upstream.applicationName)
      .filter((name) => names?.has(name) ?? !this.#isBuilding(name, upstream))
      .map((name) => this.#watchOf(name, upstream));
  }

  /** Whether an application is a projection whose schema is being built, which may take hours. */
  #isBuilding(name: string, { pipelineId }: Application): boolean {
    const application = this.#parts.running.in(pipelineId).get(name) as Application;
    return schemaIn(applicationInternals.storeOf(application).recorder)?.isBuilding === true;
  }

  #watchOf(name: string, upstream: Application): FollowerWatch {
    const { applicationName, pipelineId } = upstream;
    const { running, followers } = this.#parts;
    const key = JSON.stringify([name, applicationName, pipelineId]);
    const known = this.#watches.get(key);
    if (known !== undefined) return known;
    const application = running.in(pipelineId).get(name) as Application;
    const watch = new FollowerWatch(application, upstream, followers, this.#causesOf(application));
    this.#watches.set(key, watch);
    return watch;
  }

  /** Returns the causes in the log of an application. */
  #causesOf(application: Application): CauseCache {
    const { recorder } = applicationInternals.storeOf(application);
    const causes = this.#causes.get(application) ?? new CauseCache(recorder);
    this.#causes.set(application, causes);
    return causes;
  }

  /** Does work until the runner is closed or the signal is aborted; the work's signal is aborted at the end, too. */
  async #untilEnd(signal: AbortSignal | undefined, work: (end: AbortSignal) => Promise<void>): Promise<void> {
    signal?.throwIfAborted();
    const over = new AbortController();
    const ends = [over.signal, this.#parts.closed];
    const end = AbortSignal.any(signal === undefined ? ends : [...ends, signal]);
    try {
      await yieldIfBusy(); // a wait may end at once, and the next wait follows
      end.throwIfAborted(); // a runner that is closed has no applications
      await unlessAborted(work(end), end);
    } finally {
      over.abort();
    }
  }
}

/** Throws {@link DownstreamError} if a notification is parked. */
async function assertNoneParked(branches: readonly Branch[], signal: AbortSignal): Promise<void> {
  const failures = new Map<string, unknown>();
  for (const { follower, ids } of branches) {
    const parked = await follower.parkedAmong(ids, signal);
    if (parked !== undefined) failures.set(nameOf(follower.application), parked);
  }
  if (failures.size > 0) throw new DownstreamError('The system is not caught up.', failures);
}
