import { once } from 'node:events';
import { portable } from '../../util/portable-error.ts';
import { type LoopReport, runLoop } from '../application-loop.ts';
import { openApplication } from '../supervised/open-application.ts';
import { MessageInbox } from './message-inbox.ts';
import { Outbox } from './outbox.ts';
import { type Answer, mergedReports, type Order, type ProcessTask, type Report } from './protocol.ts';
import { watchParent } from './watch-parent.ts';

/** Runs one application in this process until it is told to close, its parent dies, or the application fails. */
export async function runProcess(): Promise<void> {
  const closing = endings();
  process.on('uncaughtExceptionMonitor', (error) => void post({ kind: 'uncaught', error: portable(error) }));
  const [order] = (await once(process, 'message')) as [Order];
  if (order.kind !== 'task') return;
  const { parentPid, role } = order.task;
  process.title = `kahn ${role.applicationName} ${role.pipelineId}`; // as others see it in a list of processes
  watchParent(parentPid);
  const reports = new Outbox<Report>(
    { send: (report) => void post({ kind: 'report', report }), merge: mergedReports },
    true,
  );
  try {
    await runApplication(order.task, reports, closing);
    reports.flush();
  } catch (error) {
    reports.flush();
    void post({ kind: 'failed', error: portable(error) });
  }
  await post({ kind: 'closed' });
  process.exit(); // whatever its policies have left open
}

/** Is aborted when this process is to end, in order. */
function endings(): AbortController {
  const closing = new AbortController();
  process.on('SIGINT', () => {}); // Ctrl-C reaches all processes of a terminal; the parent decides what becomes of them
  process.on('SIGTERM', () => closing.abort());
  process.on('disconnect', () => closing.abort()); // the parent has died
  return closing;
}

async function runApplication(
  task: ProcessTask,
  reports: Outbox<Report>,
  closing: AbortController,
): Promise<void> {
  const { role, pollIntervalMs } = task;
  await using opened = new AsyncDisposableStack();
  const application = await openApplication(task, role, opened);
  application.subscribe(() => reports.put({ hasGrown: true }));
  const inbox = new MessageInbox(role.upstreamNames, pollIntervalMs);
  process.on('message', (order: Order) => {
    if (order.kind === 'close') closing.abort();
    if (order.kind === 'taken') reports.taken();
    if (order.kind !== 'prompt') return;
    for (const upstreamName of order.upstreamNames) inbox.put(upstreamName);
    void post({ kind: 'taken' });
  });
  void post({ kind: 'ready' });
  const { upstreamNames } = role;
  await runLoop(
    { application, upstreamNames, inbox, tick: undefined, report: reportTo(reports) },
    closing.signal,
  );
}

function reportTo(reports: Outbox<Report>): LoopReport {
  return {
    entered: (state) => reports.put({ state }),
    prompted: (prompted) => reports.put({ prompted }),
    processed: (upstreamName, count) => reports.put({ processed: { [upstreamName]: count } }),
    interrupted: (error) => reports.put({ interrupted: portable(error) }),
  };
}

/** Resolves when it is said; if the parent has died, to nobody. */
function post(answer: Answer): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(answer, () => resolve());
  });
}
