import { performance } from 'node:perf_hooks';
import type { KahnError } from '../../util/errors.ts';
import { RemoteError } from '../../util/portable-error.ts';
import { backoffMs, pause } from '../../util/retry.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import type { Assignment } from '../assignment.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { ProcessDiedError, ThreadDiedError } from '../errors.ts';
import { longer } from '../retry-transient.ts';
import type { ApplicationState, Interruption } from '../runner.ts';
import { RestartPolicy, restartBackoff } from './restart-policy.ts';
import type { SupervisedWorker, WorkerHooks, WorkerMessage } from './worker.ts';

export interface SupervisorOptions {
  /** Name of the runner's class. */
  readonly runner: string;
  readonly workerKind: 'thread' | 'process';
  readonly assignment: Assignment;
  /** Starts a worker; may throw if the system has no room for one. */
  spawn(hooks: WorkerHooks): SupervisedWorker;
  /** Called with the number of notifications that the worker has processed. */
  processed(count: number): void;
  /**
   * Calls back once when the application is resumed after an operation, by default the last one that is known; at once if
   * it was resumed already, and never after the signal is aborted.
   */
  onResumed(operationId: number | undefined, signal: AbortSignal, resumed: () => void): void;
  /** Called with each state that the worker cannot report itself. */
  entered(state: ApplicationState): void;
}

const deathOf = { thread: ThreadDiedError, process: ProcessDiedError };

/** The current worker and its progress. */
class CurrentWorker {
  /** Undefined when it has exited. */
  worker: SupervisedWorker | undefined;
  isReady = false;
  /** Whether it reported that the application has failed. It exits then. */
  hasFailed = false;
  hasProcessed = false;
  idleSince = Infinity;
  /** Error that kept the worker from becoming ready. */
  refusal: KahnError | undefined;
}

/** Keeps one application running in a thread or process: replaces a worker that dies. */
export class Supervisor {
  readonly assignment: Assignment;
  readonly #options: SupervisorOptions;
  readonly #event: RunnerEvent;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #current = new CurrentWorker();
  #hasStarted = false;
  #policy = new RestartPolicy();
  #lastError: unknown;
  /** The last interruption, which may be over. */
  #interruption: Interruption | undefined;
  /** Whether the application has failed, and was not resumed since. */
  #isFailed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.assignment = options.assignment;
    const { applicationName, pipelineId } = options.assignment;
    this.#event = { runner: options.runner, applicationName, pipelineId };
  }

  /** Last error that interrupted or stopped the application, if any. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Last interruption of the application, if any. It may be over. */
  get interruption(): Interruption | undefined {
    return this.#interruption;
  }

  /** Resolves when the application is running; rejects with the error that prevents it. */
  async start(): Promise<void> {
    this.#spawn();
    await this.#ready.promise;
  }

  /** Closes the worker; resolves with whether it had to be terminated because it took too long. */
  async close(drainTimeoutMs: number): Promise<boolean> {
    this.#closing.abort();
    if (this.#current.worker === undefined) this.#ended.resolve();
    const terminated = !(await this.#drained(drainTimeoutMs));
    await this.#current.worker?.terminate();
    await this.#ended.promise;
    if (!this.#isFailed) this.#options.entered('stopped');
    if (this.#hasStarted) publish('stopped', { ...this.#event, terminated });
    return terminated;
  }

  /** Resolves with whether the worker has finished its work in time. */
  async #drained(timeoutMs: number): Promise<boolean> {
    if (!this.#hasStarted) return true; // no work is under way
    this.#current.worker?.close();
    return resolvesWithin(this.#ended.promise, timeoutMs);
  }

  #spawn(): void {
    const current = new CurrentWorker();
    this.#current = current;
    try {
      current.worker = this.#options.spawn({
        onMessage: (message) => this.#received(message, current),
        onExit: (reason) => {
          current.worker = undefined;
          this.#exited(current.refusal ?? reason);
        },
      });
    } catch (error) {
      this.#exited(error); // the system has no room for another worker at present
    }
  }

  #received(message: WorkerMessage, current: CurrentWorker): void {
    switch (message.kind) {
      case 'ready':
        current.isReady = true;
        this.#started();
        break;
      case 'prompted':
        for (const upstreamName of message.upstreamNames)
          publish('prompted', { ...this.#event, upstreamName });
        break;
      case 'processed':
        current.hasProcessed = true;
        publish('processed', { ...this.#event, upstreamName: message.upstreamName, count: message.count });
        this.#options.processed(message.count);
        break;
      case 'replayed':
        current.hasProcessed = true;
        break;
      case 'idle':
        current.idleSince = performance.now();
        break;
      case 'interrupted':
        this.#interrupted(new RemoteError(message.error), message.interruption);
        break;
      case 'failed':
        if (current.hasFailed) break; // what it could not release matters no more
        if (current.isReady) this.#fail(new RemoteError(message.error), message.operationId);
        else current.refusal = new RemoteError(message.error);
    }
  }

  #interrupted(error: unknown, interruption: Interruption): void {
    this.#lastError = error;
    this.#interruption = interruption;
    publish('interrupted', { ...this.#event, error, interruption });
  }

  #started(): void {
    const { restarts } = this.#policy;
    this.#hasStarted = true;
    if (restarts === 0) publish('started', this.#event);
    else publish('restarted', { ...this.#event, error: this.#lastError, restarts });
    this.#ready.resolve();
  }

  #fail(error: unknown, operationId?: number): void {
    this.#current.hasFailed = true;
    this.#isFailed = true;
    this.#lastError = error;
    this.#options.entered('failed');
    publish('failed', { ...this.#event, error });
    this.#options.onResumed(operationId, this.#closing.signal, () => this.#resume());
  }

  /** Ends a failure. Its worker may still be exiting: a new one is started afterwards. */
  #resume(): void {
    this.#isFailed = false;
    this.#policy = new RestartPolicy();
    this.#options.entered('starting');
    if (this.#current.worker === undefined) this.#spawn();
  }

  #exited(death: unknown): void {
    if (!this.#hasStarted) this.#ready.reject(this.#current.refusal ?? this.#died(death));
    if (this.#closing.signal.aborted || !this.#hasStarted) {
      this.#ended.resolve();
    } else if (!this.#current.hasFailed) {
      this.#lastError = death;
      void this.#restart(death);
    } else if (!this.#isFailed) this.#spawn(); // it was resumed before its worker had exited
  }

  async #restart(death: unknown): Promise<void> {
    const { hasProcessed, idleSince, isReady } = this.#current;
    const isLonger = !isReady && this.#policy.restarts > 0; // no worker has opened the application since
    const isTransient = mayPass(death);
    this.#policy = this.#policy.after({
      hasProcessed,
      idleMs: performance.now() - idleSince,
      isTransient,
    });
    if (!this.#policy.allowsRestart) {
      this.#fail(this.#died(death, ` ${this.#policy.faults} times in a row`));
      return;
    }
    const delayMs = backoffMs(this.#policy.restarts, restartBackoff);
    this.#options.entered(isTransient ? 'interrupted' : 'restarting');
    if (isTransient) this.#interrupted(death, longer(isLonger ? this.#interruption : undefined, delayMs));
    await pause(delayMs, this.#closing.signal).catch(() => {});
    if (this.#closing.signal.aborted) this.#ended.resolve();
    else this.#spawn();
  }

  #died(death: unknown, howOften = ''): KahnError {
    const { workerKind } = this.#options;
    return new deathOf[workerKind](
      this.assignment.applicationName,
      `its ${workerKind} died${howOften}`,
      death,
    );
  }
}

/** Codes of errors of the operating system that pass when other programs end. */
const shortages: readonly unknown[] = ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * Whether a worker died because its storage was unavailable, the machine was short of something, or a resource that was
 * open before cannot be opened now.
 */
function mayPass(death: unknown): boolean {
  const { transient, code } = death as { transient?: unknown; code?: unknown };
  return transient === true || code === 'RESOURCE_FAILED' || shortages.includes(code);
}
