import type { PortableError } from '../../util/portable-error.ts';
import type { OpeningTask } from '../threads/open-application.ts';
import type { BoardDescription } from './board.ts';

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
  | { readonly kind: 'ready' }
  | { readonly kind: 'prompted'; readonly upstreamNames: readonly string[] }
  | { readonly kind: 'processed'; readonly upstreamName: string; readonly count: number }
  | { readonly kind: 'interrupted'; readonly error: PortableError }
  | { readonly kind: 'failed'; readonly error: PortableError }
  /** It has released everything; nothing is to come. */
  | { readonly kind: 'closed' };

/** The one thing that a thread is told by a message: to let its work end. */
export const closeMessage = 'close';
