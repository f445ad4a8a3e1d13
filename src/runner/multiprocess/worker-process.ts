import { once } from 'node:events';
import { processApplicationInternals } from '../../application/process-application.ts';
import { portable } from '../../util/portable-error.ts';
import { runLoop } from '../application-loop.ts';
import { enclosed, messageIn } from '../supervised/envelope.ts';
import { openApplication } from '../supervised/open-application.ts';
import { MessageInbox } from './message-inbox.ts';
import { watchParent } from './parent-watch.ts';
import { ProcessReports } from './process-reports.ts';
import type { ParentMessage, ProcessMessage, ProcessTask } from './protocol.ts';

/** Runs one application in this process until the process is closed, its parent dies, or the application fails. */
export async function runProcess(): Promise<void> {
  const closing = listenForEnd();
  process.on('uncaughtExceptionMonitor', (error) => void post({ kind: 'uncaught', error: portable(error) }));
  const [received] = await once(process, 'message');
  const message = messageIn<ParentMessage>(received);
  if (message?.kind !== 'task') return;
  const { parentPid, assignment } = message.task;
  process.title = `kahn ${assignment.applicationName} ${assignment.pipelineId}`; // shown in lists of processes
  watchParent(parentPid);
  const reports = new ProcessReports((report) => void post({ kind: 'report', report }));
  try {
    await runApplication(message.task, reports, closing);
    reports.flush();
  } catch (error) {
    reports.flush();
    void post({ kind: 'failed', error: portable(error) });
  }
  await post({ kind: 'closed' });
  process.exit(); // timers and handles of policies may keep the process alive
}

/** Returns a signal that is aborted when this process has to finish its work and exit. */
function listenForEnd(): AbortSignal {
  const closing = new AbortController();
  process.on('SIGINT', () => {}); // Ctrl-C reaches all processes of a terminal; the parent then closes this process
  process.on('SIGTERM', () => closing.abort());
  process.on('disconnect', () => closing.abort()); // the parent has died
  process.on('message', (received) => {
    if (messageIn<ParentMessage>(received)?.kind === 'close') closing.abort();
  });
  return closing.signal;
}

async function runApplication(
  task: ProcessTask,
  reports: ProcessReports,
  closing: AbortSignal,
): Promise<void> {
  const { assignment, pollIntervalMs, recordsWhenIdle } = task;
  const { upstreamNames } = assignment;
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, assignment, opened, closing);
  application.subscribe(() => reports.grown());
  const inbox = new MessageInbox(upstreamNames, pollIntervalMs);
  process.on('message', (received) => {
    const message = messageIn<ParentMessage>(received);
    if (message?.kind === 'taken') reports.taken();
    if (message?.kind !== 'prompt') return;
    for (const upstreamName of message.upstreamNames) inbox.put(upstreamName);
    void post({ kind: 'taken' });
  });
  void post({ kind: 'ready' });
  const loop = { application, upstreamNames, inbox, recordsWhenIdle, tick: undefined, report: reports };
  try {
    await runLoop(loop, closing);
  } catch (error) {
    reports.flush();
    const { lastId: operationId } = processApplicationInternals.controlOf(application);
    void post({ kind: 'failed', error: portable(error), operationId });
  }
}

/** Resolves when the message is sent, or at once if the parent is gone. */
function post(message: ProcessMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(enclosed(message), () => resolve());
  });
}
