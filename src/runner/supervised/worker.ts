import type { PortableError } from '../../util/portable-error.ts';
import type { Interruption } from '../runner.ts';

/** A thread or process that runs one application. */
export interface SupervisedWorker {
  /** Asks the worker to finish the work under way and to exit. */
  close(): void;
  /** Ends the worker at once; resolves when it has exited. */
  terminate(): Promise<unknown>;
}

export interface WorkerHooks {
  onMessage(message: WorkerMessage): void;
  /** Called once, after the last message, with the reason of the exit. */
  onExit(reason: unknown): void;
}

/** Messages from a worker to its runner. */
export type WorkerMessage =
  /** The application is open. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'prompted'; readonly upstreamNames: readonly string[] }
  | { readonly kind: 'processed'; readonly upstreamName: string; readonly count: number }
  /** The position of a replay was recorded behind more notifications. */
  | { readonly kind: 'replayed' }
  /** The application is idle for the first time since the worker was started. */
  | { readonly kind: 'idle' }
  /** The application retries after a transient error. */
  | {
      readonly kind: 'interrupted';
      readonly error: PortableError;
      readonly interruption: Interruption;
    }
  /** In this tick, an upstream is blocked by a causal dependency. */
  | { readonly kind: 'blocked'; readonly error: PortableError }
  /** The application has failed. `operationId` is the id of its last operation that was read before. */
  | { readonly kind: 'failed'; readonly error: PortableError; readonly operationId?: number }
  /** The last message: everything is released. */
  | { readonly kind: 'closed' };

/** Reason of the exit of a worker that reported no error. */
export class ExitedError extends Error {}
