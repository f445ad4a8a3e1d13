import { performance } from 'node:perf_hooks';
import { isTransientFailure } from '../../../application/failures.ts';
import type { BlockingError } from '../../../application/following-errors.ts';
import type { NotificationLog } from '../../../application/log/notification-log.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../../application/process-application.ts';
import { nameOf } from '../../../runner/assignment.ts';
import { catchBlocking } from '../../../runner/blocked-upstreams.ts';
import { publish, type RunnerEvent } from '../../../runner/diagnostics.ts';
import type { LoopWatch } from '../../../runner/loops/loop-watch.ts';
import { positionsRequest, UnrecordedPositions } from '../../../runner/positions/unrecorded-positions.ts';
import type { StorageError } from '../../../storage/errors.ts';
import { inRootContext } from '../../../util/environment/root-context.ts';
import { portable } from '../../../util/portable-error.ts';
import { StorageMismatchError } from '../errors.ts';
import type { ActorAddress } from '../protocol/actor-names.ts';
import type { Heads, StepFailure, StepResult } from '../protocol/messages.ts';
import { truncateError } from '../protocol/truncate-error.ts';

export interface HostedApplicationOptions {
  readonly application: ProcessApplication;
  /** Logs of its upstreams. */
  readonly logs: readonly NotificationLog[];
  readonly batchSize: number;
  /** Whether positions behind ignored notifications are recorded as soon as the application is idle. */
  readonly recordsWhenIdle: boolean;
  readonly loops: LoopWatch;
}

/** Time after which a step ends with its current batch, in ms, so that followers are prompted. */
const sliceMs = 20;

/** An application that is open in a service. */
export class HostedApplication {
  readonly #application: ProcessApplication;
  readonly #logs: readonly NotificationLog[];
  readonly #batchSize: number;
  readonly #loops: LoopWatch;
  readonly #positions: UnrecordedPositions;
  readonly #event: RunnerEvent;
  /** Number of steps under way. */
  #steps = 0;
  /** Aborted when the application is closed. */
  readonly #closed = new AbortController();
  readonly #replays: Promise<void>;
  /** Head of its own log, if the current step has recorded something. */
  #head: number | undefined;

  constructor({ application, logs, batchSize, recordsWhenIdle, loops }: HostedApplicationOptions) {
    this.#application = application;
    this.#logs = logs;
    this.#batchSize = batchSize;
    this.#loops = loops;
    this.#positions = new UnrecordedPositions({
      recordsWhenIdle,
      isAhead: () => processApplicationInternals.isAhead(application),
      overdue: () => void inRootContext(() => this.recordPositions()),
    });
    this.#event = eventOf(application);
    application.subscribe(({ head }) => {
      this.#head = head;
    });
    this.reloadPositions();
    this.#replays = processApplicationInternals.replay(application, this.#closed.signal);
    publish('started', this.#event);
  }

  /** Reads its positions from the storage again, because another process may have moved them. */
  reloadPositions(): void {
    for (const log of this.#logs) this.#application.follow(log, this.#batchSize);
  }

  /**
   * Processes new notifications of some logs until a time limit. An upstream that waits for another pipeline or
   * version, or whose log ends early, is set aside, and the others continue: the other pipeline may wait for them.
   */
  async step(upstreams: Heads): Promise<StepResult> {
    this.#steps += 1;
    return await this.#step(upstreams).finally(() => {
      this.#steps -= 1;
    });
  }

  /** Records positions behind ignored notifications. After an error, the next step tries again. */
  async recordPositions(): Promise<void> {
    try {
      await this.#recordPositions();
    } catch {
      this.#positions.isOverdue = true;
    }
  }

  /** Ends the replays after their current batches. */
  async endReplays(): Promise<void> {
    this.#closed.abort();
    await this.#replays;
  }

  get isStepping(): boolean {
    return this.#steps > 0;
  }

  /** Name of the application, with its pipeline unless that is pipeline 0. */
  get name(): string {
    return nameOf(this.#event);
  }

  /** Publishes that the application is closed, in the middle of its work if a step is under way. */
  publishStopped(): void {
    this.#positions.close();
    publish('stopped', { ...this.#event, terminated: this.isStepping });
  }

  async #step(upstreams: Heads): Promise<StepResult> {
    this.#head = undefined;
    const isRequested = positionsRequest in upstreams;
    if (isRequested) this.#positions.isAwaited = true;
    const more: string[] = [];
    const aside: string[] = [];
    let wait: BlockingError | StorageError | StorageMismatchError | undefined;
    try {
      const control = processApplicationInternals.controlOf(this.#application);
      await (isRequested ? control.refresh() : control.refreshIfDue());
      const end = performance.now() + sliceMs;
      for (const log of this.#logs) {
        const least = upstreams[log.applicationName];
        if (least === undefined) continue;
        const processed = await catchBlocking(log.applicationName, () => this.#processLog(log, least, end));
        if (processed === false) more.push(log.applicationName);
        if (typeof processed === 'boolean') continue;
        aside.push(log.applicationName);
        wait = processed;
      }
      this.#positions.processed();
      if (this.#positions.isDue(more.length === 0)) await this.#recordPositions();
      // Read from the storage, in case an interrupted step has recorded something.
      const head = this.#head ?? (await this.#application.log.head());
      return wait === undefined
        ? { head, more }
        : { head, more, trouble: failureOf(this.#event, wait, aside) };
    } catch (error) {
      return { head: this.#head, more: [], trouble: failureOf(this.#event, error, Object.keys(upstreams)) };
    }
  }

  /**
   * Processes a log and returns whether its end was reached before the time limit, or the error for a log that ends
   * before the head that a prompt has announced.
   */
  async #processLog(
    log: NotificationLog,
    least: number,
    end: number,
  ): Promise<boolean | StorageMismatchError> {
    const upstreamName = log.applicationName;
    publish('prompted', { ...this.#event, upstreamName });
    for (let isFirst = true; ; isFirst = false) {
      const counts = await processApplicationInternals.run(this.#application, { upstreamName, batches: 1 });
      const processed = [...counts].filter(([, count]) => count > 0);
      if (processed.length === 0) return (isFirst && (await this.#mismatchOf(log, least))) || true;
      for (const [name, count] of processed) {
        publish('processed', { ...this.#event, upstreamName: name, count });
        this.#loops.processed(this.#event.applicationName, this.#event.pipelineId, count);
      }
      if (performance.now() > end) return false;
    }
  }

  async #recordPositions(): Promise<void> {
    this.#positions.recorded();
    await processApplicationInternals.recordPositions(this.#application);
  }

  async #mismatchOf(log: NotificationLog, least: number): Promise<StorageMismatchError | undefined> {
    const { applicationName } = this.#application;
    const head = least === 0 ? 0 : await log.head();
    return head < least
      ? new StorageMismatchError(applicationName, log.applicationName, least, head)
      : undefined;
  }
}

/** Publishes the error of a step, and returns it with the upstreams to set aside if it is transient. */
export function failureOf(
  address: ActorAddress,
  error: unknown,
  upstreamNames: readonly string[],
): StepFailure {
  // Only the runner can tell whether its prompt was wrong, see RestateRunner.
  const canRetry = isTransientFailure(error) || error instanceof StorageMismatchError;
  const event = { ...eventOf(address), error };
  if (canRetry) publish('interrupted', { ...event, interruption: undefined });
  else publish('failed', event);
  const aside = canRetry ? upstreamNames : undefined;
  return { error: truncateError(portable(error)), aside, failedAt: Date.now() };
}

function eventOf({ applicationName, pipelineId }: ActorAddress): RunnerEvent {
  return { runner: 'RestateRunner', applicationName, pipelineId };
}
