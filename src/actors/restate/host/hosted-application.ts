import { CausalDependencyError } from '../../../application/errors.ts';
import type { NotificationLog } from '../../../application/log/notification-log.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../../application/process-application.ts';
import { catchCausalWait } from '../../../runner/blocked-upstreams.ts';
import { publish, type RunnerEvent } from '../../../runner/diagnostics.ts';
import { isTransient } from '../../../runner/retry-transient.ts';
import { portable } from '../../../util/portable-error.ts';
import { StorageMismatchError } from '../errors.ts';
import type { ActorAddress } from '../protocol/actor-names.ts';
import type { Heads, StepResult, Trouble } from '../protocol/messages.ts';
import { truncateError } from '../protocol/truncate-error.ts';

/** What a hosted application is made of. */
export interface HostedApplicationOptions {
  readonly application: ProcessApplication;
  /** The logs it follows. */
  readonly logs: readonly NotificationLog[];
  readonly batchSize: number | undefined;
}

/** After so long a step ends with the batch under way, so that what it has recorded is told. */
const sliceMs = 20;

/** An application that is open in a service, and takes steps there. */
export class HostedApplication {
  readonly #application: ProcessApplication;
  readonly #logs: readonly NotificationLog[];
  readonly #batchSize: number | undefined;
  readonly #event: RunnerEvent;
  /** The head of its own log, if the step under way has recorded something. */
  #head: number | undefined;

  constructor({ application, logs, batchSize }: HostedApplicationOptions) {
    this.#application = application;
    this.#logs = logs;
    this.#batchSize = batchSize;
    this.#event = eventOf(application);
    application.subscribe(({ head }) => {
      this.#head = head;
    });
    this.followAnew();
    publish('started', this.#event);
  }

  /** Reads its positions again from the storage, because others may have moved them. */
  followAnew(): void {
    for (const log of this.#logs) this.#application.follow(log, this.#batchSize);
  }

  /**
   * Processes what is new in some logs, or as much of it as fits into a slice of time. One that waits for another
   * pipeline is set aside, so that the others go on: the other pipeline may wait for them.
   */
  async step(upstreams: Heads): Promise<StepResult> {
    this.#head = undefined;
    const more: string[] = [];
    const aside: string[] = [];
    let waiting: CausalDependencyError | undefined;
    try {
      const end = performance.now() + sliceMs;
      for (const log of this.#logs) {
        const least = upstreams[log.applicationName];
        if (least === undefined) continue;
        const processed = await catchCausalWait(() => this.#isProcessed(log, least, end));
        if (processed === false) more.push(log.applicationName);
        if (!(processed instanceof CausalDependencyError)) continue;
        aside.push(log.applicationName);
        waiting = processed;
      }
      if (more.length === 0) await processApplicationInternals.recordPositions(this.#application);
      // What is on record without being told is there, too: a step that was cut off may have left it.
      const head = this.#head ?? (await this.#application.log.head());
      return waiting === undefined
        ? { head, more }
        : { head, more, trouble: troubleOf(this.#event, waiting, aside) };
    } catch (error) {
      return { head: this.#head, more: [], trouble: troubleOf(this.#event, error, Object.keys(upstreams)) };
    }
  }

  /** Tells that it is closed, perhaps in the middle of a step. */
  closed(terminated: boolean): void {
    publish('stopped', { ...this.#event, terminated });
  }

  /** Whether it comes to the end of a log in time. */
  async #isProcessed(log: NotificationLog, least: number, end: number): Promise<boolean> {
    const upstreamName = log.applicationName;
    publish('prompted', { ...this.#event, upstreamName });
    for (let isFirst = true; ; isFirst = false) {
      const count = await this.#application.run({ upstreamName, batches: 1 });
      if (count === 0 && isFirst) await this.#assertSameStorage(log, least);
      if (count === 0) return true;
      publish('processed', { ...this.#event, upstreamName, count });
      if (performance.now() > end) return false;
    }
  }

  async #assertSameStorage(log: NotificationLog, least: number): Promise<void> {
    const { applicationName } = this.#application;
    const head = least === 0 ? 0 : await log.head();
    if (head < least) throw new StorageMismatchError(applicationName, log.applicationName, least, head);
  }
}

/** Tells of what was in the way of a step, and of which upstreams are to be set aside if it passes by itself. */
export function troubleOf(place: ActorAddress, error: unknown, upstreamNames: readonly string[]): Trouble {
  const passes = isTransient(error);
  publish(passes ? 'interrupted' : 'failed', { ...eventOf(place), error });
  return { error: truncateError(portable(error)), aside: passes ? upstreamNames : undefined };
}

function eventOf({ applicationName, pipelineId }: ActorAddress): RunnerEvent {
  return { runner: 'RestateRunner', applicationName, pipelineId };
}
