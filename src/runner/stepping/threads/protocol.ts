import type { PortableError } from '../../../util/portable-error.ts';
import type { Assignment } from '../../asynchronous/assignment.ts';
import type { OpeningTask } from '../../supervised/open-application.ts';

/** What a thread of a stepping runner is to do: plain data. */
export interface SteppingTask extends OpeningTask {
  readonly role: Assignment;
  /** The names of all applications, in the order of their heads. */
  readonly names: readonly string[];
  readonly heads: SharedArrayBuffer;
  readonly signals: SharedArrayBuffer;
  /** How many threads there are, and which of them it is. */
  readonly threads: number;
  readonly index: number;
  /** What ids made in the run follow from. */
  readonly seed: string;
}

/** What a thread of a stepping runner says. */
export type SteppingMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'processed'; readonly upstreamName: string; readonly count: number }
  | { readonly kind: 'interrupted'; readonly error: PortableError }
  /** Told once in each tick in which it waits for another pipeline. */
  | { readonly kind: 'stalled'; readonly error: PortableError }
  | { readonly kind: 'failed'; readonly error: PortableError }
  /** It has released everything; nothing is to come. */
  | { readonly kind: 'closed' };

/** The one thing that a thread is told by a message: to let its work end. */
export const closeMessage = 'close';
