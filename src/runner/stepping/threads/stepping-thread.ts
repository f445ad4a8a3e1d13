import { RemoteError } from '../../../util/portable-error.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { ThreadDiedError } from '../../errors.ts';
import { spawnThread, type Thread } from '../../supervised/spawn-thread.ts';
import { siblingProgram } from '../../supervised/worker.ts';
import type { DriverReport } from '../step-driver.ts';
import { closeMessage, type SteppingMessage, type SteppingTask } from './protocol.ts';

/** What the outside of a thread works with. */
export interface SteppingThreadOptions {
  readonly task: SteppingTask;
  readonly report: DriverReport;
  /** Called with the id of the worker when it has ended, in whatever way. */
  ended(threadId: number): void;
}

const entry = siblingProgram(import.meta.url, 'worker-thread-entry');

/** One application of a stepping runner in a thread. It is not started again: a tick is done by all or by none. */
export class SteppingThread {
  readonly applicationName: string;
  /** Resolves when the application is ready for the first tick; rejects with what keeps it from it. */
  readonly ready: Promise<void>;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  readonly #thread: Thread;
  #failure: unknown;
  #isClosing = false;
  #stall = Promise.withResolvers<unknown>();

  constructor({ task, report, ended: tell }: SteppingThreadOptions) {
    const { applicationName } = task.role;
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.applicationName = applicationName;
    this.ready = ready.promise;
    this.ended = ended.promise;
    const fail = (error: unknown) => {
      this.#failure ??= error;
      ready.reject(this.#failure);
    };
    const hear = (message: SteppingMessage, thread: Thread) => {
      if (message.kind === 'ready') ready.resolve();
      else if (message.kind === 'processed')
        report.processed(applicationName, message.upstreamName, message.count);
      else if (message.kind === 'interrupted')
        report.interrupted(applicationName, new RemoteError(message.error));
      else if (message.kind === 'stalled') this.#stall.resolve(new RemoteError(message.error));
      else if (message.kind === 'failed') fail(new RemoteError(message.error));
      else {
        this.#isClosing = true;
        void thread.terminate(); // whatever its policies have left open
      }
    };
    this.#thread = spawnThread<SteppingMessage>({
      entry,
      applicationName,
      task,
      hear,
      ended: (death, threadId) => {
        if (!this.#isClosing) fail(new ThreadDiedError(applicationName, 'its thread has died', death));
        tell(threadId);
        ended.resolve();
      },
    });
  }

  /** Why it has ended, if that was not wanted. */
  get failure(): unknown {
    return this.#failure;
  }

  /** For what it waits in a tick in which it does: its message may come later than the end of that. */
  async takeStall(): Promise<unknown> {
    const stall = await this.#stall.promise;
    this.#stall = Promise.withResolvers();
    return stall;
  }

  /** Ends the thread, by force after the time; resolves with whether that was needed. */
  async close(drainTimeoutMs: number): Promise<boolean> {
    this.#isClosing = true;
    this.#thread.tell(closeMessage);
    const inOrder = await resolvesWithin(this.ended, drainTimeoutMs);
    await this.#thread.terminate();
    await this.ended;
    return !inOrder;
  }
}
