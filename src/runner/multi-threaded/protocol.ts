import type { OpeningTask } from '../supervised/open-application.ts';
import type { WorkerMessage } from '../supervised/worker.ts';
import type { BoardDescription } from './shared-board.ts';

/** What a thread is to do: plain data. */
export interface ThreadTask extends OpeningTask {
  readonly board: BoardDescription;
  /** Which place on the board is its own. */
  readonly index: number;
  readonly pollIntervalMs: number;
  /** Whether a clock says when steps begin. */
  readonly isClocked: boolean;
}

/** What a thread says. */
export type ThreadMessage =
  | WorkerMessage
  /** It has released everything; nothing is to come. */
  | { readonly kind: 'closed' };

/** The one thing that a thread is told by a message: to let its work end. */
export const closeMessage = 'close';
