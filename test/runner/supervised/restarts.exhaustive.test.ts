import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { allSupervisedSubjects } from '../../support/supervised-runners.ts';
import { until } from '../../support/until.ts';
import { type SeenEvent, watchRunners } from '../../support/watchers/events.ts';
import { putSignsInto, raise } from '../multi-threaded/file-flags.ts';
import { doomed } from './doomed.ts';

const never = 2 ** 30;
const bound = 5;

beforeEach(() => putSignsInto(temporaryDirectory()));

function restartsIn(events: readonly SeenEvent[]): readonly number[] {
  return events.flatMap((event) => (event.kind === 'restarted' ? [event.restarts] : []));
}

describe.each(allSupervisedSubjects)('$name that live for a moment only', (subject) => {
  const { kind, create, watch } = subject;
  const died = `${kind.toUpperCase()}_DIED`;
  const start = async () => {
    const runner = await subject.start(doomed.bind(create()), { pollIntervalMs: never, batchSize: 1 });
    onTestFinished(() => runner.close());
    return runner;
  };
  /** Waits for the failure; that of one which is started again for ever never comes. */
  const untilFailed = (events: readonly SeenEvent[]) =>
    until('it has failed', () => {
      expect(restartsIn(events).length).toBeLessThanOrEqual(bound + 1);
      return events.some((event) => event.kind === 'failed');
    });

  test('are started again ever more slowly, and fail, though each has come to rest', async () => {
    const events = watchRunners();
    const pauses: number[] = [];
    let diedAt = 0;
    watch(
      () => void (diedAt > 0 && pauses.push(performance.now() - diedAt)),
      () => {
        diedAt = performance.now();
      },
    );
    const runner = await start();
    await runner.caughtUp();
    raise('doom');
    await untilFailed(events);
    expect(restartsIn(events)).toEqual([1, 2, 3, 4, 5]);
    expect(pauses.length).toBe(bound);
    for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThan(49 * 2 ** i);
    const { lastError } = (await runner.status())[1]!;
    expect(lastError).toMatchObject({ code: died });
  });

  test('fail, too, if each had some to ignore before it died: they are ignored for good by the second', async () => {
    const events = watchRunners();
    const runner = await start();
    const order = Order.place('ada');
    order.pay('0198c6a5-7b1e-7000-8000-000000000000');
    await runner.get(Orders).save(order);
    await untilFailed(events);
    const [, reservations] = await runner.status();
    expect(reservations).toMatchObject({ lastError: { code: died }, upstreams: [{ position: 1, lag: 1 }] });
  });
});
