import { UndeclaredTypesError } from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';
import { recordEarlierOrders } from '../undeclared-events/earlier-orders.ts';
import type { RunnerSubject } from './subject.ts';

const types = [
  { type: 'Order.Seen', count: 6 },
  { type: 'Order.Dropped', count: 3 },
];

/** Events of types that no application declares. */
export function undeclaredEvents({ start, createStorage }: RunnerSubject): void {
  test('undeclared types are named in a process warning and an event, and the system starts', async () => {
    const storage = createStorage();
    await recordEarlierOrders(storage, 3);
    const [events, warnings] = [watchRunners(), watchWarnings()];
    await using runner = await start(shop, { storage });
    await until('the warning is emitted', () =>
      warnings.some((one) => one.code === 'KAHN_UNDECLARED_EVENTS'),
    );
    const { message } = warnings.find((one) => one.code === 'KAHN_UNDECLARED_EVENTS') ?? {};
    expect(message).toContain("\n- 'orders', pipeline 0: 'Order.Seen' (6), 'Order.Dropped' (3)\n");
    const seen = events.filter(({ kind }) => kind === 'undeclared');
    expect(seen).toEqual([
      { kind: 'undeclared', runner: expect.any(String), applicationName: 'orders', pipelineId: 0, types },
    ]);
    expect(await runner.status()).not.toEqual([]);
  });

  test('a start that refuses undeclared types fails, and leaves nothing behind', async () => {
    const storage = createStorage();
    await recordEarlierOrders(storage, 3);
    const error = await rejectionOf(
      start(shop, { storage, undeclaredEvents: 'refuse' }),
      UndeclaredTypesError,
    );
    expect(error).toMatchObject({
      code: 'UNDECLARED_TYPES',
      undeclared: [{ applicationName: 'orders', pipelineId: 0, types }],
    });
    expect(error.message).toContain("'Order.Seen' (6), 'Order.Dropped' (3)");
    const warnings = watchWarnings();
    await using runner = await start(shop, { storage, undeclaredEvents: 'ignore' });
    expect(await runner.status()).not.toEqual([]);
    expect(warnings.filter(({ code }) => code === 'KAHN_UNDECLARED_EVENTS')).toEqual([]);
  });

  test('a start that refuses undeclared types accepts logs without them', async () => {
    const storage = createStorage();
    await using runner = await start(shop, { storage, undeclaredEvents: 'refuse' });
    await runner.get(Orders).place('ada');
  });
}
