import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { SharedBoard } from '../../../src/runner/multi-threaded/shared-board.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { loop, relays } from '../../support/systems/relays.ts';
import { patient, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldReserving } from '../multi-threaded/held-shop.ts';

const never = 2 ** 30;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

describe.each(supervisedSubjects)('in $name', ({ kind, start, create }) => {
  test('all events are processed by prompts alone', async () => {
    await using runner = await start(shop, {
      storage: create(),
      pollIntervalMs: never,
    });
    const orders = runner.get(Orders);
    for (const customer of ['ada', 'bob', 'cy']) {
      const id = await orders.place(customer);
      await vi.waitUntil(async () => (await orders.get(id)).done, patient);
    }
  });

  test('an application that follows itself runs by prompts alone, in each pipeline', async () => {
    const pipelineIds = [0, 3];
    await using runner = await start(loop, { storage: create(), pipelineIds, pollIntervalMs: never });
    for (const pipelineId of [...pipelineIds, ...pipelineIds]) {
      const relay = runner.get(relays.a, pipelineId);
      const before = await relay.log.head();
      await relay.move(5);
      await until('the token has ended', async () => (await relay.log.head()) === before + 7);
    }
  });

  test('the poll finds events without a prompt', async () => {
    const storage = create();
    await using orders = await shop.open(Orders, { storage });
    await using _runner = await start(shop, { storage, pollIntervalMs: 20 });
    for (const customer of ['ada', 'bob']) {
      const id = await orders.place(customer);
      await vi.waitUntil(async () => (await orders.get(id)).done, patient);
    }
  });

  test('10,000 saves during a blocked step are one prompt, and all are processed afterwards', async () => {
    const [, Reservations] = heldReserving.applications;
    const events = watchRunners();
    await using runner = await start(heldReserving, {
      storage: create(),
      pollIntervalMs: never,
    });
    await runner.caughtUp();
    raise('hold');
    await runner.get(Orders).place('first');
    await vi.waitUntil(() => isRaised('held'), patient);
    const before = events.length;
    for (let saved = 0; saved < 10_000; saved += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => runner.get(Orders).place(`${saved + i}`)));
    }
    lower('hold');
    await runner.caughtUp();
    expect(await runner.get(Reservations!).log.head()).toBe(10_001);
    // One prompt for all of them, one after each batch in case there is more, and a few where a prompt is late. The
    // reports of a process are merged: of two batches in a row, the first may be reported as a prompt only.
    const since = events.slice(before);
    const prompts = since.filter((event) => event.kind === 'prompted').length;
    const batches = since.filter((event) => event.kind === 'processed').length;
    expect(prompts).toBeLessThanOrEqual((kind === 'thread' ? batches : 2 * batches) + 5);
    // Batches grow to 500 again after the held batch. On a busy machine they are smaller, but still far larger than one
    // event.
    expect(batches).toBeLessThan(1_000);
  });
});

test('a board holds at most one prompt per upstream after 10,000 prompts', async () => {
  const board = SharedBoard.for([
    { applicationName: 'orders', pipelineId: 0, upstreamNames: ['reservations', 'payments'] },
    { applicationName: 'orders', pipelineId: 1, upstreamNames: ['reservations', 'payments'] },
  ]);
  const { byteLength } = board.description.buffer;
  for (let i = 0; i < 10_000; i += 1) board.prompt('payments', 0);
  board.prompt('reservations', 0);
  board.prompt('an application without followers', 0);
  expect(board.description.buffer.byteLength).toBe(byteLength);
  const signal = new AbortController().signal;
  const inbox = board.inboxOf(0, never);
  expect(await inbox.take(signal)).toEqual(['reservations', 'payments']);
  expect(inbox.isEmpty).toBe(true);
  expect(board.inboxOf(1, never).isEmpty).toBe(true);
  const next = inbox.take(signal); // waits
  board.prompt('payments', 0);
  expect(await next).toEqual(['payments']);
  expect(await board.inboxOf(0, 1).take(signal)).toEqual(['reservations', 'payments']); // polls
  const abort = new AbortController();
  const given = inbox.take(abort.signal);
  abort.abort();
  expect(await given).toEqual([]);
});
