import type { ResourceLimits } from 'node:worker_threads';
import { backOff } from '../../util/backoff.ts';
import { KahnError } from '../../util/errors.ts';
import { RemoteError } from '../../util/portable-error.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { ThreadDiedError } from '../errors.ts';
import { entryBeside, resolvesWithin, spawnThread, type Thread } from '../threads/spawn-thread.ts';
import type { Board, Place } from './board.ts';
import { closeMessage, type ThreadMessage, type ThreadTask } from './task.ts';

/** What the outside of a thread works with. */
export interface ApplicationThreadOptions {
  readonly task: ThreadTask;
  readonly board: Board;
  readonly resourceLimits: ResourceLimits | undefined;
  /** Called with the id of a worker that has ended, in whatever way. */
  ended(threadId: number): void;
}

/** How often a thread may die in a row without having processed anything in between. */
const maxRestarts = 5;
const backoff = { firstMs: 100, maxMs: 5_000 };
const entry = entryBeside(import.meta.url);

/** Keeps one application running in a worker thread: starts another one when it dies. */
export class ApplicationThread {
  readonly #options: ApplicationThreadOptions;
  readonly #event: RunnerEvent;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #thread: Thread | undefined;
  #isReady = false;
  #hasStarted = false;
  #restarts = 0;
  #lastError: unknown;
  #failure: unknown;

  constructor(options: ApplicationThreadOptions) {
    this.#options = options;
    const { applicationName, pipelineId } = this.#place;
    this.#event = { runner: 'MultiThreadedRunner', applicationName, pipelineId };
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
      await this.#ready.promise;
    } catch (error) {
      this.#ended.resolve();
      throw error;
    }
  }

  /** Lets the step under way end; resolves with whether it had to be terminated because that took too long. */
  async close(drainTimeoutMs: number): Promise<boolean> {
    this.#closing.abort();
    const terminated = !(await this.#drained(drainTimeoutMs));
    await this.#thread?.terminate();
    await this.#ended.promise;
    if (this.#failure === undefined) this.#options.board.setState(this.#options.task.index, 'stopped');
    publish('stopped', { ...this.#event, terminated });
    return terminated;
  }

  /** Whether it ends by itself within the time. */
  async #drained(timeoutMs: number): Promise<boolean> {
    if (!this.#isReady) return true; // it has nothing to bring to an end
    this.#thread?.tell(closeMessage);
    return resolvesWithin(this.#ended.promise, timeoutMs);
  }

  get #place(): Place {
    const { board, index } = this.#options.task;
    return board.places[index] as Place;
  }

  #spawn(): void {
    const { task, resourceLimits, ended } = this.#options;
    const { applicationName } = this.#place;
    let refusal: unknown;
    this.#isReady = false;
    this.#thread = spawnThread<ThreadMessage>({
      entry,
      applicationName,
      task,
      resourceLimits,
      hear: (message, thread) => {
        if (message.kind === 'failed' && !this.#isReady) refusal = new RemoteError(message.error);
        else this.#hear(message, thread);
      },
      ended: (death, threadId) => {
        ended(threadId);
        this.#thread = undefined;
        this.#exited(refusal ?? death);
      },
    });
  }

  #hear(message: ThreadMessage, thread: Thread): void {
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
        this.#restarts = 0;
        publish('processed', { ...this.#event, upstreamName: message.upstreamName, count: message.count });
        break;
      case 'interrupted':
        this.#lastError = new RemoteError(message.error);
        publish('interrupted', { ...this.#event, error: this.#lastError });
        break;
      case 'failed':
        this.#fail(new RemoteError(message.error));
        break;
      case 'closed':
        void thread.terminate(); // whatever its policies have left open
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#lastError = error;
    this.#options.board.setState(this.#options.task.index, 'failed');
    publish('failed', { ...this.#event, error });
  }

  #exited(death: unknown): void {
    if (!this.#hasStarted) this.#ready.reject(this.#named(death));
    if (this.#closing.signal.aborted || this.#failure !== undefined || !this.#hasStarted) {
      this.#ended.resolve();
      return;
    }
    this.#lastError = death;
    void this.#restart(death);
  }

  /** What the thread has told of, or else which one died of what it left uncaught. */
  #named(death: unknown): KahnError {
    if (death instanceof KahnError) return death;
    return new ThreadDiedError(this.#place.applicationName, 'its thread has died', death);
  }

  async #restart(death: unknown): Promise<void> {
    // Storage that is away is no fault of the thread's: that is tried for as long as it takes.
    const isAway = (death as { transient?: unknown }).transient === true;
    this.#restarts = isAway ? Math.max(this.#restarts, 1) : this.#restarts + 1;
    if (this.#restarts > maxRestarts) {
      const what = `its thread has died ${this.#restarts} times in a row`;
      this.#fail(new ThreadDiedError(this.#place.applicationName, what, death));
      this.#ended.resolve();
      return;
    }
    this.#options.board.setState(this.#options.task.index, 'restarting');
    await backOff(this.#restarts, backoff, this.#closing.signal).catch(() => {});
    if (this.#closing.signal.aborted) {
      this.#ended.resolve();
      return;
    }
    try {
      this.#spawn();
    } catch (error) {
      this.#exited(error); // there is no room for a thread now
    }
  }
}
