import type { MessagePort } from 'node:worker_threads';
import { processApplicationInternals } from '../../../application/process-application.ts';
import { portable } from '../../../util/portable-error.ts';
import { openApplication } from '../../supervised/open-application.ts';
import { LogHeads } from '../log-heads.ts';
import { processTick, recordPositions, type SteppedApplication } from '../process-tick.ts';
import type { DriverReport } from '../step-driver.ts';
import { BarrierBrokenError } from './barrier.ts';
import { closeMessage, type SteppingMessage, type SteppingTask } from './protocol.ts';
import { SharedTick } from './shared-tick.ts';

type Post = (message: SteppingMessage) => void;

/** Steps one application in this thread until the barriers are broken or the application fails. */
export async function runSteppingThread(task: SteppingTask, port: MessagePort): Promise<void> {
  const post: Post = (message) => port.postMessage(message);
  const closing = new AbortController();
  port.on('message', (message) => {
    if (message === closeMessage) closing.abort();
  });
  const signals = new SharedTick(task.threads, task.signals);
  try {
    await runApplication(task, signals, post, closing.signal);
  } catch (error) {
    if (!(error instanceof BarrierBrokenError || closing.signal.aborted)) {
      post({ kind: 'failed', error: portable(error) });
    }
    signals.break();
  }
  post({ kind: 'closed' });
}

async function runApplication(
  task: SteppingTask,
  signals: SharedTick,
  post: Post,
  signal: AbortSignal,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, task.role, opened);
  const heads = new LogHeads(task.names, task.heads);
  application.subscribe(({ applicationName, head }) => heads.raise(applicationName, head));
  const actor = { application, upstreamNames: task.role.upstreamNames };
  post({ kind: 'ready' });
  try {
    for (;;) await runTick(task, actor, heads, signals, post, signal);
  } catch (error) {
    // Those who have not failed themselves leave their positions as those of the last tick.
    if (error instanceof BarrierBrokenError) await processApplicationInternals.recordPositions(application);
    throw error;
  }
}

async function runTick(
  { index, seed }: SteppingTask,
  actor: SteppedApplication,
  heads: LogHeads,
  signals: SharedTick,
  post: Post,
  signal: AbortSignal,
): Promise<void> {
  const report = reportTo(post);
  await signals.fetch.wait();
  const { work, tick, timeMs } = signals.announced;
  const fetched = heads.now; // what is recorded from here on is for the next tick
  await signals.execute.wait();
  if (work === 'process') {
    const moment = { tick, timeMs, seed: `${seed} ${tick}` };
    const done = await processTick(actor, fetched, moment, signal, report);
    const isStalled = done.blockedBy !== undefined;
    if (isStalled) post({ kind: 'stalled', error: portable(done.blockedBy) });
    signals.setDone(index, done.fetched, isStalled);
  } else {
    await recordPositions(actor, signal, report);
    signals.setDone(index, 0, false);
  }
  await signals.end.wait();
}

function reportTo(post: Post): DriverReport {
  return {
    processed: (_name, upstreamName, count) => post({ kind: 'processed', upstreamName, count }),
    interrupted: (_name, error) => post({ kind: 'interrupted', error: portable(error) }),
  };
}
