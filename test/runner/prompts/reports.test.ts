import { expect, test } from 'vitest';
import { MergingOutbox } from '../../../src/runner/multiprocess/merging-outbox.ts';
import { mergeReports, type ProcessReport } from '../../../src/runner/multiprocess/protocol.ts';

const turn = () => Promise.resolve();

test('merged reports keep the growth, the names and the sums of all, and the newest state', () => {
  const reports: readonly ProcessReport[] = [
    { state: 'running' },
    { hasGrown: true },
    { prompted: ['orders'] },
    { processed: { orders: 2 } },
    { prompted: ['payments', 'orders'], state: 'idle' },
    { processed: { orders: 3, payments: 1 } },
  ];
  const merged = {
    state: 'idle',
    hasGrown: true,
    prompted: ['orders', 'payments'],
    processed: { orders: 5, payments: 1 },
  };
  expect(reports.reduce(mergeReports)).toEqual(merged);
  expect(reports.reduceRight((later, earlier) => mergeReports(earlier, later))).toEqual(merged);
});

test('an outbox sends one message at a time, and all others merged into the next', async () => {
  const sent: string[] = [];
  const merge = (earlier: string, later: string) => `${earlier}${later}`;
  const outbox = new MergingOutbox({ send: (message: string) => void sent.push(message), merge }, false);
  outbox.put('a');
  await turn();
  expect(sent).toEqual([]); // the receiver is not listening yet
  outbox.put('b');
  outbox.taken();
  expect(sent).toEqual(['ab']);
  outbox.put('c');
  outbox.put('d');
  await turn();
  expect(sent).toEqual(['ab']);
  outbox.taken();
  expect(sent).toEqual(['ab', 'cd']);
  outbox.taken();
  outbox.put('e');
  outbox.put('f');
  await turn();
  expect(sent).toEqual(['ab', 'cd', 'ef']);
  outbox.put('g');
  outbox.flush();
  expect(sent).toEqual(['ab', 'cd', 'ef', 'g']);
  outbox.flush();
  expect(sent).toHaveLength(4);
});
