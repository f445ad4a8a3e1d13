import type { MessagePort } from 'node:worker_threads';
import { processApplicationInternals } from '../../application/process-application.ts';
import { portable } from '../../util/portable-error.ts';
import { type LoopReport, runLoop } from '../application-loop.ts';
import { openApplication } from '../supervised/open-application.ts';
import { type Post, runInThread } from '../supervised/run-in-thread.ts';
import { SharedBoard } from './shared-board.ts';
import type { ThreadTask } from './thread-task.ts';

/** Runs one application in this thread until the thread is closed or the application fails. */
export function runThread(task: ThreadTask, port: MessagePort): Promise<void> {
  return runInThread(port, (post, closing) => runApplication(task, post, closing));
}

async function runApplication(task: ThreadTask, post: Post, closing: AbortSignal): Promise<void> {
  const board = new SharedBoard(task.board);
  const assignment = board.assignmentOf(task.index);
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, assignment, opened, closing);
  const promptFollowers = () => board.prompt(assignment.applicationName, assignment.pipelineId);
  application.subscribe(promptFollowers);
  promptFollowers(); // the previous thread may have recorded events and died before it prompted
  board.setState(task.index, 'running');
  post({ kind: 'ready' });
  const loop = {
    application,
    upstreamNames: assignment.upstreamNames,
    inbox: board.inboxOf(task.index, task.pollIntervalMs),
    recordsWhenIdle: task.recordsWhenIdle,
    tick: task.isClocked ? (stop: AbortSignal) => board.tickAfter(board.ticks, stop) : undefined,
    report: reportTo(board, task.index, post),
  };
  try {
    await runLoop(loop, closing);
  } catch (error) {
    const { lastId: operationId } = processApplicationInternals.controlOf(application);
    post({ kind: 'failed', error: portable(error), operationId });
  }
}

function reportTo(board: SharedBoard, index: number, post: Post): LoopReport {
  let wasIdle = false;
  return {
    entered: (state) => {
      board.setState(index, state);
      if (state !== 'idle' || wasIdle) return;
      wasIdle = true;
      post({ kind: 'idle' });
    },
    prompted: (upstreamNames) => post({ kind: 'prompted', upstreamNames }),
    processed: (upstreamName, count) => post({ kind: 'processed', upstreamName, count }),
    replayed: () => post({ kind: 'replayed' }),
    interrupted: (error, interruption) => post({ kind: 'interrupted', error: portable(error), interruption }),
  };
}
