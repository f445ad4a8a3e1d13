import type { MessagePort } from 'node:worker_threads';
import { processApplicationInternals } from '../../../application/process-application.ts';
import { portable } from '../../../util/portable-error.ts';
import { openApplication } from '../../supervised/open-application.ts';
import { type Post, runInThread } from '../../supervised/run-in-thread.ts';
import { LogHeads } from '../log-heads.ts';
import {
  processTick,
  readOperations,
  recordPositions,
  type SteppedApplication,
  steppedApplication,
} from '../process-tick.ts';
import type { DriverReport } from '../step-driver.ts';
import { BarrierBrokenError } from './barrier.ts';
import { SharedTick } from './shared-tick.ts';
import type { SteppingTask } from './stepping-task.ts';

/** Access of a thread to its application and to the other threads. */
interface ThreadScope {
  readonly task: SteppingTask;
  readonly stepped: SteppedApplication;
  readonly heads: LogHeads;
  readonly sharedTick: SharedTick;
  readonly post: Post;
}

/** Steps one application in this thread until the barriers are broken or the application fails. */
export function runSteppingThread(task: SteppingTask, port: MessagePort): Promise<void> {
  return runInThread(port, async (post, closing) => {
    const sharedTick = new SharedTick(task.threads, task.sharedTick);
    try {
      await runApplication(task, sharedTick, post, closing);
    } catch (error) {
      if (!(error instanceof BarrierBrokenError || closing.aborted)) throw error;
    } finally {
      sharedTick.break();
    }
  });
}

async function runApplication(
  task: SteppingTask,
  sharedTick: SharedTick,
  post: Post,
  closing: AbortSignal,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, task.assignment, opened, closing);
  const heads = new LogHeads(task.names, task.heads);
  application.subscribe(({ applicationName, head }) => heads.raise(applicationName, head));
  const stepped = steppedApplication(application, task.assignment.upstreamNames);
  post({ kind: 'ready' });
  try {
    const scope = { task, stepped, heads, sharedTick, post };
    for (;;) await runTick(scope, closing);
  } catch (error) {
    // Another application failed: this application records its positions, as after the last tick.
    if (error instanceof BarrierBrokenError) await processApplicationInternals.recordPositions(application);
    throw error;
  }
}

async function runTick(scope: ThreadScope, closing: AbortSignal): Promise<void> {
  const { task, stepped, heads, sharedTick, post } = scope;
  const { index, seed } = task;
  const report = reportTo(post);
  await sharedTick.fetch.wait();
  const { work, tick, timeMs } = sharedTick.announced;
  const fetched = heads.now; // events recorded from here on belong to the next tick
  await sharedTick.execute.wait();
  const { isPaused, lastOperationId } = sharedTick.orderOf(index);
  const control = processApplicationInternals.controlOf(stepped.application);
  if (lastOperationId > control.lastId) await readOperations(stepped, closing, report);
  if (isPaused) {
    sharedTick.setDone(index, 0, false);
  } else if (work === 'process') {
    const moment = { timeMs, seed: `${seed} ${tick}` };
    const outcome = await processTick(stepped, fetched, moment, closing, report);
    const isBlocked = outcome.blockedBy !== undefined;
    if (isBlocked) post({ kind: 'blocked', error: portable(outcome.blockedBy) });
    sharedTick.setDone(index, outcome.fetched, isBlocked);
  } else {
    await recordPositions(stepped, closing, report);
    sharedTick.setDone(index, 0, false);
  }
  await sharedTick.end.wait();
}

function reportTo(post: Post): DriverReport {
  return {
    processed: (_name, upstreamName, count) => post({ kind: 'processed', upstreamName, count }),
    interrupted: (_name, error, interruption) =>
      post({ kind: 'interrupted', error: portable(error), interruption }),
  };
}
