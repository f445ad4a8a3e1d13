import { RemoteError } from '../../../util/portable-error.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { ThreadDiedError } from '../../errors.ts';
import { spawnThread } from '../../supervised/spawn-thread.ts';
import type { SupervisedWorker, WorkerMessage } from '../../supervised/worker.ts';
import type { DriverReport } from '../step-driver.ts';
import type { SteppingTask } from './stepping-task.ts';

export interface SteppingThreadOptions {
  /** URL of the program of the thread. */
  readonly entry: URL;
  readonly task: SteppingTask;
  readonly report: DriverReport;
  /** Called when the thread has exited, with its former id. */
  exited(threadId: number): void;
}

/** Thread of one application of a stepping runner. A thread that dies is not replaced: a tick needs all threads. */
export class SteppingThread {
  readonly applicationName: string;
  readonly #report: DriverReport;
  readonly #thread: SupervisedWorker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #failure: unknown;
  #isClosing = false;
  #blocked = Promise.withResolvers<unknown>();

  constructor({ entry, task, report, exited }: SteppingThreadOptions) {
    const { applicationName } = task.assignment;
    this.applicationName = applicationName;
    this.#report = report;
    this.#thread = spawnThread(
      { entry, applicationName, task, exited },
      {
        onMessage: (message) => this.#received(message),
        onExit: (reason) => {
          if (!this.#isClosing) this.#fail(new ThreadDiedError(applicationName, 'its thread died', reason));
          this.#exited.resolve();
        },
      },
    );
  }

  /** Resolves when the application is ready for the first tick; rejects with the error that prevents it. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when the thread has exited. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  /** Error that stopped the thread, if any. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves with the error that blocks the application in this tick; it may arrive after the end of the tick. */
  async takeBlocked(): Promise<unknown> {
    const error = await this.#blocked.promise;
    this.#blocked = Promise.withResolvers();
    return error;
  }

  /** Closes the thread; resolves with whether it had to be terminated because it took too long. */
  async close(drainTimeoutMs: number): Promise<boolean> {
    this.#isClosing = true;
    this.#thread.close();
    const inTime = await resolvesWithin(this.exited, drainTimeoutMs);
    await this.#thread.terminate();
    await this.exited;
    return !inTime;
  }

  #received(message: WorkerMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        break;
      case 'processed':
        this.#report.processed(this.applicationName, message.upstreamName, message.count);
        break;
      case 'interrupted':
        this.#report.interrupted(this.applicationName, new RemoteError(message.error), message.interruption);
        break;
      case 'blocked':
        this.#blocked.resolve(new RemoteError(message.error));
        break;
      case 'failed':
        this.#fail(new RemoteError(message.error));
        break;
      case 'closed':
        this.#isClosing = true;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#ready.reject(this.#failure);
  }
}
