import { CausalDependencyError, isTransientFailure } from '../../../application/errors.ts';
import type { NotificationLog } from '../../../application/log/notification-log.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../../application/process-application.ts';
import { catchCausalWait } from '../../../runner/blocked-upstreams.ts';
import { publish, type RunnerEvent } from '../../../runner/diagnostics.ts';
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
}

/** Time after which a step ends with its current batch, in ms, so that followers are prompted. */
const sliceMs = 20;

/** An application that is open in a service. */
export class HostedApplication {
  readonly #application: ProcessApplication;
  readonly #logs: readonly NotificationLog[];
  readonly #batchSize: number;
  readonly #event: RunnerEvent;
  /** Head of its own log, if the current step has recorded something. */
  #head: number | undefined;

  constructor({ application, logs, batchSize }: HostedApplicationOptions) {
    this.#application = application;
    this.#logs = logs;
    this.#batchSize = batchSize;
    this.#event = eventOf(application);
    application.subscribe(({ head }) => {
      this.#head = head;
    });
    this.reloadPositions();
    publish('started', this.#event);
  }

  /** Reads its positions from the storage again, because another process may have moved them. */
  reloadPositions(): void {
    for (const log of this.#logs) this.#application.follow(log, this.#batchSize);
  }

  /**
   * Processes new notifications of some logs until a time limit. An upstream that waits for another pipeline is set
   * aside, and the others continue: the other pipeline may wait for them.
   */
  async step(upstreams: Heads): Promise<StepResult> {
    this.#head = undefined;
    const more: string[] = [];
    const aside: string[] = [];
    let dependency: CausalDependencyError | undefined;
    try {
      const end = performance.now() + sliceMs;
      for (const log of this.#logs) {
        const least = upstreams[log.applicationName];
        if (least === undefined) continue;
        const processed = await catchCausalWait(() => this.#processLog(log, least, end));
        if (processed === false) more.push(log.applicationName);
        if (!(processed instanceof CausalDependencyError)) continue;
        aside.push(log.applicationName);
        dependency = processed;
      }
      if (more.length === 0) await processApplicationInternals.recordPositions(this.#application);
      // Read from the storage, in case an interrupted step has recorded something.
      const head = this.#head ?? (await this.#application.log.head());
      return dependency === undefined
        ? { head, more }
        : { head, more, trouble: failureOf(this.#event, dependency, aside) };
    } catch (error) {
      return { head: this.#head, more: [], trouble: failureOf(this.#event, error, Object.keys(upstreams)) };
    }
  }

  /** Publishes that the application is closed; `terminated` if a step was running. */
  publishStopped(terminated: boolean): void {
    publish('stopped', { ...this.#event, terminated });
  }

  /** Processes a log and returns whether its end was reached before the time limit. */
  async #processLog(log: NotificationLog, least: number, end: number): Promise<boolean> {
    const upstreamName = log.applicationName;
    publish('prompted', { ...this.#event, upstreamName });
    for (let isFirst = true; ; isFirst = false) {
      const counts = await processApplicationInternals.run(this.#application, { upstreamName, batches: 1 });
      const processed = [...counts].filter(([, count]) => count > 0);
      if (processed.length === 0 && isFirst) await this.#assertSameStorage(log, least);
      if (processed.length === 0) return true;
      for (const [name, count] of processed)
        publish('processed', { ...this.#event, upstreamName: name, count });
      if (performance.now() > end) return false;
    }
  }

  async #assertSameStorage(log: NotificationLog, least: number): Promise<void> {
    const { applicationName } = this.#application;
    const head = least === 0 ? 0 : await log.head();
    if (head < least) throw new StorageMismatchError(applicationName, log.applicationName, least, head);
  }
}

/** Publishes the error of a step, and returns it with the upstreams to set aside if it is transient. */
export function failureOf(
  address: ActorAddress,
  error: unknown,
  upstreamNames: readonly string[],
): StepFailure {
  const canRetry = isTransientFailure(error);
  publish(canRetry ? 'interrupted' : 'failed', { ...eventOf(address), error });
  return { error: truncateError(portable(error)), aside: canRetry ? upstreamNames : undefined };
}

function eventOf({ applicationName, pipelineId }: ActorAddress): RunnerEvent {
  return { runner: 'RestateRunner', applicationName, pipelineId };
}
