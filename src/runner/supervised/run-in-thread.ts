import type { MessagePort } from 'node:worker_threads';
import { portable } from '../../util/portable-error.ts';
import { enclosed, messageIn } from './envelope.ts';
import type { WorkerMessage } from './worker.ts';

/** The only message to a worker thread: finish the work under way and exit. */
export const closeMessage = 'close';

export type Post = (message: WorkerMessage) => void;

/** Runs the body of a worker thread; posts the error it throws, and `closed` at the end. */
export async function runInThread(
  port: MessagePort,
  body: (post: Post, closing: AbortSignal) => Promise<void>,
): Promise<void> {
  const post: Post = (message) => port.postMessage(enclosed(message));
  const closing = new AbortController();
  port.on('message', (received) => {
    if (messageIn(received) === closeMessage) closing.abort();
  });
  try {
    await body(post, closing.signal);
  } catch (error) {
    post({ kind: 'failed', error: portable(error) });
  }
  post({ kind: 'closed' });
}
