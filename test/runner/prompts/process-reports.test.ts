import { expect, test } from 'vitest';
import { ProcessReports } from '../../../src/runner/multiprocess/process-reports.ts';
import type { ProcessReport } from '../../../src/runner/multiprocess/protocol.ts';

/** Reports of which the first, `running`, is not read yet. */
async function reportsInFlight(): Promise<{ reports: ProcessReports; sent: ProcessReport[] }> {
  const sent: ProcessReport[] = [];
  const reports = new ProcessReports((report) => void sent.push(report));
  reports.entered('running');
  await Promise.resolve();
  expect(sent).toEqual([{ state: 'running' }]);
  sent.length = 0;
  return { reports, sent };
}

test('the first progress of a process is reported while the parent has not read the report before', async () => {
  const byReport = await reportsInFlight();
  byReport.reports.prompted(['orders']);
  byReport.reports.processed('orders', 3);
  expect(byReport.sent).toEqual([{ prompted: ['orders'], processed: { orders: 3 } }]);
  const byReplay = await reportsInFlight();
  byReplay.reports.replayed();
  expect(byReplay.sent).toEqual([{ hasReplayed: true }]);
});

test('later progress waits until the parent has read the report before', async () => {
  const { reports, sent } = await reportsInFlight();
  reports.replayed();
  sent.length = 0;
  reports.processed('orders', 1);
  reports.processed('orders', 2);
  reports.replayed();
  await Promise.resolve();
  expect(sent).toEqual([]);
  reports.taken();
  expect(sent).toEqual([{ prompted: [], processed: { orders: 3 }, hasReplayed: true }]);
});
