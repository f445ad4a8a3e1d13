import { DownstreamError, SteppingMultiThreadedRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryDirectory, temporarySqlite } from '../../../support/storages.ts';
import { watchRunners } from '../../../support/watchers/events.ts';
import { fails } from '../../multi-threaded/failing-reservations.ts';
import { lower, raise, storeFlagsIn } from '../../multi-threaded/file-flags.ts';
import { stuck, stuckShop } from './stuck-shop.ts';

const because = { by: 'ada', reason: 'mended' };

test('a failed application whose threads cannot be started again is resumed later', async () => {
  storeFlagsIn(temporaryDirectory());
  const Failing = stuckShop.applications[1]!;
  const options = { storage: temporarySqlite(), paused: true };
  await using runner = await SteppingMultiThreadedRunner.start(stuckShop, options);
  const events = watchRunners();
  raise(fails);
  await runner.get(Orders).save(Order.place('ada'));
  await rejectionOf(runner.caughtUp(), DownstreamError);
  raise(stuck);
  await expect(runner.resume(Failing, because)).rejects.toThrow('the door is stuck');
  const [, failed] = await runner.status();
  expect(failed).toMatchObject({ state: 'failed', lastError: { message: expect.stringContaining('stuck') } });
  lower(stuck);
  expect(await runner.resume(Failing, because)).toBe(true);
  await runner.caughtUp();
  expect(await runner.get(Failing).log.head()).toBe(1);
  expect(events.filter(({ kind }) => kind === 'failed')).toHaveLength(2);
});
