import type { KahnError } from '../../util/errors.ts';
import { RemoteError } from '../../util/portable-error.ts';
import { backOff } from '../../util/retry.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { ProcessDiedError, ThreadDiedError } from '../errors.ts';
import type { ApplicationState } from '../runner.ts';
import type { Assignment } from './assignment.ts';
import type { SupervisedWorker, WorkerHooks, WorkerMessage } from './worker.ts';

/** What a supervisor works with. */
export interface SupervisorOptions {
  /** The name of the runner's class. */
  readonly runner: string;
  readonly kind: 'thread' | 'process';
  readonly role: Assignment;
  /** Starts a peer for the role; may throw if there is no room for one. */
  spawn(hooks: WorkerHooks): SupervisedWorker;
  /** Called with each state that the peer cannot tell itself. */
  entered(state: ApplicationState): void;
}

/** How often a peer may die in a row without having got ahead in between. */
const maxRestarts = 5;
/** Only who waits for storage that is away comes to the longest pause. */
const backoff = { firstMs: 100, maxMs: 5_000 };
/** Who lives that long after it has come to rest dies of nothing that it was started for. */
const healthyMs = 5_000;
const deathOf = { thread: ThreadDiedError, process: ProcessDiedError };

/** Keeps one application running in a thread or process: starts another one when it dies. */
export class Supervisor {
  readonly role: Assignment;
  readonly #options: SupervisorOptions;
  readonly #event: RunnerEvent;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #peer: SupervisedWorker | undefined;
  #isReady = false;
  #hasStarted = false;
  #hasProcessed = false;
  #restedAt = Infinity;
  /** How often it was started again in a row without having got ahead. */
  #restarts = 0;
  /** How many of these deaths may be its own fault. */
  #faults = 0;
  #lastError: unknown;
  #failure: unknown;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.role = options.role;
    const { applicationName, pipelineId } = options.role;
    this.#event = { runner: options.runner, applicationName, pipelineId };
  }

  get lastError(): unknown {
    return this.#lastError;
  }

  /** Why it was stopped, if it was. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when the application is running. Throws what keeps it from it. */
  async start(): Promise<void> {
    try {
      this.#spawn();
    } catch (error) {
      this.#exited(error); // there is no room for it
    }
    await this.#ready.promise;
  }

  /** Lets the step under way end; resolves with whether it had to be terminated because that took too long. */
  async close(drainTimeoutMs: number): Promise<boolean> {
    this.#closing.abort();
    const terminated = !(await this.#drained(drainTimeoutMs));
    await this.#peer?.terminate();
    await this.#ended.promise;
    if (this.#failure === undefined) this.#options.entered('stopped');
    if (this.#hasStarted) publish('stopped', { ...this.#event, terminated });
    return terminated;
  }

  /** Whether it ends by itself within the time. */
  async #drained(timeoutMs: number): Promise<boolean> {
    if (!this.#isReady) return true; // it has nothing to bring to an end
    this.#peer?.close();
    return resolvesWithin(this.#ended.promise, timeoutMs);
  }

  #spawn(): void {
    let refusal: KahnError | undefined;
    this.#isReady = false;
    this.#hasProcessed = false;
    this.#restedAt = Infinity;
    this.#peer = this.#options.spawn({
      hear: (message) => {
        if (message.kind === 'failed' && !this.#isReady) refusal = new RemoteError(message.error);
        else this.#hear(message);
      },
      ended: (death) => {
        this.#peer = undefined;
        this.#exited(refusal ?? death, refusal);
      },
    });
  }

  #hear(message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#hasStarted = true;
        if (this.#restarts === 0) publish('started', this.#event);
        else publish('restarted', { ...this.#event, error: this.#lastError, restarts: this.#restarts });
        this.#ready.resolve();
        break;
      case 'prompted':
        for (const upstreamName of message.upstreamNames)
          publish('prompted', { ...this.#event, upstreamName });
        break;
      case 'processed':
        this.#hasProcessed = true;
        publish('processed', { ...this.#event, upstreamName: message.upstreamName, count: message.count });
        break;
      case 'rested':
        this.#restedAt = performance.now();
        break;
      case 'interrupted':
        this.#lastError = new RemoteError(message.error);
        publish('interrupted', { ...this.#event, error: this.#lastError });
        break;
      case 'failed':
        this.#fail(new RemoteError(message.error));
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#lastError = error;
    this.#options.entered('failed');
    publish('failed', { ...this.#event, error });
  }

  /** It has ended; `refusal` is what it has told of, if it could not begin. */
  #exited(death: unknown, refusal?: KahnError): void {
    if (!this.#hasStarted) this.#ready.reject(refusal ?? this.#diedOf(death, 'has died'));
    if (this.#closing.signal.aborted || this.#failure !== undefined || !this.#hasStarted) {
      this.#ended.resolve();
      return;
    }
    this.#lastError = death;
    void this.#restart(death);
  }

  #diedOf(death: unknown, how: string): KahnError {
    const { kind } = this.#options;
    return new deathOf[kind](this.role.applicationName, `its ${kind} ${how}`, death);
  }

  /** Whether the last peer was of use. To have come to rest is not enough: it may die of a timer each time. */
  get #hasGotAhead(): boolean {
    return this.#hasProcessed || performance.now() - this.#restedAt >= healthyMs;
  }

  async #restart(death: unknown): Promise<void> {
    if (this.#hasGotAhead) {
      this.#restarts = 0;
      this.#faults = 0;
    }
    this.#restarts += 1;
    // Storage that is away is no fault of the peer's: that is tried for as long as it takes.
    if ((death as { transient?: unknown }).transient !== true) this.#faults += 1;
    if (this.#faults > maxRestarts) {
      this.#fail(this.#diedOf(death, `has died ${this.#faults} times in a row`));
      this.#ended.resolve();
      return;
    }
    this.#options.entered('restarting');
    await backOff(this.#restarts, backoff, this.#closing.signal).catch(() => {});
    if (this.#closing.signal.aborted) {
      this.#ended.resolve();
      return;
    }
    try {
      this.#spawn();
    } catch (error) {
      this.#exited(error); // there is no room for another one now
    }
  }
}
