import { DownstreamError, type System } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import type { Reservations } from '../../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { supervisedSubjects } from '../../../support/supervised-runners.ts';
import { inTime } from '../../../support/until.ts';
import { fails } from '../../multi-threaded/failing-reservations.ts';
import { lower, raise, storeFlagsIn } from '../../multi-threaded/file-flags.ts';
import { failsToClose, held, slowExitShop } from './slow-exit.ts';

const because = { by: 'ada', reason: 'mended' };

describe.each(supervisedSubjects)('after a failure in $name', ({ start, create }) => {
  test.each([
    { state: 'is still exiting', flag: undefined },
    { state: 'fails to release what it opened', flag: failsToClose },
  ])('resume() ends the failure even if the worker $state', async ({ flag }) => {
    storeFlagsIn(temporaryDirectory());
    const shop = slowExitShop as unknown as System<typeof Orders | typeof Reservations>;
    await using runner = await start(shop, { storage: create() });
    const Failing = shop.applications[1] as typeof Reservations;
    raise(fails);
    raise(held);
    if (flag !== undefined) raise(flag);
    const saved = await runner.get(Orders).save(Order.place('ada'));
    const signal = inTime();
    await rejectionOf(runner.caughtUp({ signal }), DownstreamError);
    await rejectionOf(runner.settled(saved, { signal }), DownstreamError);
    expect(await runner.resume(Failing, because)).toBe(true);
    const waits = Promise.all([
      runner.caughtUp({ signal }),
      runner.settled(saved, { signal }),
      runner.processed(saved, { by: Failing, signal }),
    ]);
    const status = runner.status();
    await Promise.all([
      status.then(([, failing]) => expect(failing?.state).toBe('starting')).finally(() => lower(held)),
      waits,
    ]);
    lower(failsToClose);
    expect(await runner.get(Failing).log.head()).toBe(1);
  });
});
