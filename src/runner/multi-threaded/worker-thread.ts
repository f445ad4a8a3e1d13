import type { MessagePort } from 'node:worker_threads';
import { portable } from '../../util/portable-error.ts';
import { type LoopReport, runLoop } from '../application-loop.ts';
import type { Assignment } from '../asynchronous/assignment.ts';
import { openApplication } from '../supervised/open-application.ts';
import { closeMessage, type ThreadMessage, type ThreadTask } from './protocol.ts';
import { SharedBoard } from './shared-board.ts';

/** Runs one application in this thread until it is told to close, or the application fails. */
export async function runThread(task: ThreadTask, port: MessagePort): Promise<void> {
  const post = (message: ThreadMessage) => port.postMessage(message);
  const closing = new AbortController();
  port.on('message', (message) => {
    if (message === closeMessage) closing.abort();
  });
  try {
    await runApplication(task, post, closing.signal);
  } catch (error) {
    post({ kind: 'failed', error: portable(error) });
  }
  post({ kind: 'closed' });
}

async function runApplication(
  task: ThreadTask,
  post: (message: ThreadMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  const board = new SharedBoard(task.board);
  const place = task.board.places[task.index] as Assignment;
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, place, opened);
  application.subscribe(({ applicationName, pipelineId }) => board.prompt(applicationName, pipelineId));
  board.setState(task.index, 'running');
  post({ kind: 'ready' });
  const loop = {
    application,
    upstreamNames: place.upstreamNames,
    inbox: board.inboxOf(task.index, task.pollIntervalMs),
    tick: task.isClocked ? (stop: AbortSignal) => board.tickAfter(board.ticks, stop) : undefined,
    report: reportTo(board, task.index, post),
  };
  await runLoop(loop, signal);
}

function reportTo(board: SharedBoard, index: number, post: (message: ThreadMessage) => void): LoopReport {
  let hasRested = false;
  return {
    entered: (state) => {
      board.setState(index, state);
      if (state !== 'idle' || hasRested) return;
      hasRested = true;
      post({ kind: 'rested' });
    },
    prompted: (upstreamNames) => post({ kind: 'prompted', upstreamNames }),
    processed: (upstreamName, count) => post({ kind: 'processed', upstreamName, count }),
    interrupted: (error) => post({ kind: 'interrupted', error: portable(error) }),
  };
}
