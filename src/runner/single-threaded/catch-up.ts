import { awaitedParked } from '../../application/parking/awaited-parked.ts';
import { processApplicationInternals } from '../../application/process-application.ts';
import { unlessAborted } from '../../util/abort.ts';
import { publish } from '../diagnostics.ts';
import { DownstreamError } from '../errors.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { retryTransient } from '../retry-transient.ts';
import { dueProcessed } from '../waiting/due-notifications.ts';
import { unreportedProgress } from '../waiting/watched-followers.ts';
import { eventOf, type LocalApplication, type LocalLog } from './local-application.ts';
import type { Turns } from './turns.ts';
import { Wait } from './wait.ts';

/** What catches up. */
export interface CatchUpParts {
  /** All applications, in the order of their numbers. */
  readonly applications: readonly LocalApplication[];
  /** All logs that the turns process. */
  readonly logs: readonly LocalLog[];
  readonly turns: Turns;
  /** Waits for which nothing is pending. */
  readonly finished: Wait[];
  /** Aborted when no further batch may begin. */
  readonly signal: AbortSignal;
}

/** Processes everything that is recorded, and everything that follows from it, for callers of `caughtUp()`. */
export class CatchUp {
  readonly #parts: CatchUpParts;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /** Implements `caughtUp()` of the single-threaded runner. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const { logs, signal: stopped } = this.#parts;
    if (this.#mayPark) await unlessAborted(this.#dueProcessed(), signal);
    stopped.throwIfAborted();
    let seen = logs.map((log) => log.seen);
    const heads = await unlessAborted(
      retryTransient(() => this.#readHeads(), stopped),
      signal,
    );
    stopped.throwIfAborted();
    for (;;) {
      const failure = await this.#process(seen, heads, signal);
      if (failure === undefined) await unlessAborted(this.#compareLogs(), signal);
      const toReadAgain = await unlessAborted(this.#recordPositions(), signal);
      if (failure !== undefined) throw failure;
      if (toReadAgain === 0) break;
      seen = logs.map((log) => log.seen);
    }
    const failures = await unlessAborted(
      retryTransient(() => this.#failures(), stopped),
      signal,
    );
    if (failures.size > 0) throw new DownstreamError(notCaughtUp(), failures);
  }

  get #mayPark(): boolean {
    return this.#parts.applications.some(({ late }) => late !== undefined);
  }

  /** Resolves when parked notifications that are due are processed: what follows from them is in the logs then. */
  async #dueProcessed(): Promise<void> {
    for (const one of this.#parts.applications) {
      if (one.late === undefined) continue;
      const processes = (upstreamName: string) =>
        one.failure === undefined && one.upstreams.some(({ upstream }) => upstream.name === upstreamName);
      const { recorder } = one;
      const retrying = { recorder, pipelineId: localPipelineId, progress: unreportedProgress, processes };
      await dueProcessed(retrying, this.#parts.signal);
    }
  }

  /** Reads the heads of all logs, in the order of the applications and on one connection. */
  async #readHeads(): Promise<readonly number[]> {
    const heads: number[] = [];
    for (const application of this.#parts.applications) {
      const head = await application.log.head();
      application.sawHead(head);
      heads.push(head);
    }
    return heads;
  }

  /**
   * Processes the notifications with ids above `seen` up to the heads, and everything that follows from them. Resolves with the error
   * if an application cannot process them.
   */
  async #process(
    seen: readonly number[],
    heads: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<DownstreamError | undefined> {
    const { applications, logs, turns, finished } = this.#parts;
    const wait = new Wait(finished, notCaughtUp, heads);
    for (const [i, log] of logs.entries()) {
      const after = Math.max(seen[i] ?? 0, 0);
      const { index } = log.upstream as LocalApplication;
      const head = heads[index] ?? 0; // below the known one if the log was restored meanwhile
      if (after < head) log.track(after, head, wait, true);
    }
    wait.end();
    turns.start(applications.flatMap(({ followers }) => followers));
    try {
      await unlessAborted(wait.settled, signal);
      return undefined;
    } catch (error) {
      if (error instanceof DownstreamError) return error;
      throw error;
    } finally {
      for (const log of logs) log.drop(wait);
    }
  }

  /** Stops the followers whose logs were restored from an older copy. */
  async #compareLogs(): Promise<void> {
    for (const one of this.#parts.applications)
      await this.#check(one, () => processApplicationInternals.compareLogs(one.process));
  }

  /** Records positions behind ignored notifications. Resolves with the number of logs that must be read again. */
  async #recordPositions(): Promise<number> {
    const { applications, turns } = this.#parts;
    let toReadAgain = 0;
    for (const one of applications) {
      if (!one.isAhead) continue;
      if (one.turn !== undefined) turns.requestPositions();
      else
        await this.#check(one, async () => {
          toReadAgain += (await turns.recordPositionsOf(one)).length;
        });
    }
    return toReadAgain;
  }

  /** Does work for a follower, and tells of each try that its storage interrupts. */
  async #check(one: LocalApplication, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#parts;
    if (one.upstreams.length === 0 || one.failure !== undefined) return;
    try {
      await retryTransient(work, signal, (error, interruption) => {
        publish('interrupted', { ...eventOf(one.name), error, interruption });
      });
    } catch (error) {
      signal.throwIfAborted();
      one.noteError(error);
    }
  }

  /** Returns the errors of the applications that have failed or parked something, by name. */
  async #failures(): Promise<ReadonlyMap<string, unknown>> {
    const failures = new Map<string, unknown>();
    for (const { name, failure, late, recorder } of this.#parts.applications) {
      const application = { applicationName: name, pipelineId: localPipelineId };
      const parked =
        late === undefined ? undefined : await awaitedParked(application, recorder, undefined, () => true);
      const error = failure?.error ?? parked;
      if (error !== undefined) failures.set(name, error);
    }
    return failures;
  }
}

function notCaughtUp(): string {
  return 'The system is not caught up.';
}
