import { run, type StorageDescription } from 'kahn';
import { type Apps, fromEnd, Orders } from '../../../support/systems/invoicing.ts';
import { dieAt } from '../../../support/watchers/dying-statements.ts';

/** What the program does until it is killed at a moment of its statements. */
export type Task = 'begin' | 'reset' | 'replay' | 'cancel';

// Does a task with invoices that begin at the end of the log: `repeating-program.ts <storage> <task> <moment>`.
const [storage = '', task = '', moment = ''] = process.argv.slice(2) as [string, Task, string];
const because = { by: 'ada', reason: 'drill' };
const invoices = fromEnd.applications[1] as Apps;
if (task === 'begin') dieAt(Number(moment));
const runner = await run(fromEnd, { storage: JSON.parse(storage) as StorageDescription, batchSize: 2 });
const repeated = async () => {
  for (;;) {
    const [, status] = await runner.status();
    if (status?.replays === undefined && status?.upstreams[0]?.lag === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
if (task === 'begin') {
  await runner.get(Orders).place('eve');
} else {
  dieAt(Number(moment));
  if (task === 'reset') await runner.reset(invoices, { at: 'start', ...because });
  else {
    const id = await runner.replay(invoices, because);
    if (task === 'cancel') {
      while ((await runner.get(invoices).log.head()) < 2)
        await new Promise((resolve) => setTimeout(resolve, 1));
      await runner.cancelReplay(invoices, id, because);
    }
  }
  await repeated();
}
await runner.close();
process.exit();
