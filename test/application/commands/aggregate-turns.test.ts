import { expect, test } from 'vitest';
import { AggregateTurns } from '../../../src/application/commands/aggregate-turns.ts';

const never = undefined;

test('turns of an aggregate follow each other, in the order of their calls', async () => {
  const turns = new AggregateTurns(60_000);
  const order: number[] = [];
  const take = async (number: number) => {
    const end = await turns.take('a', never);
    order.push(number);
    await Promise.resolve();
    order.push(number);
    end();
  };
  await Promise.all([0, 1, 2].map(take));
  expect(order).toEqual([0, 0, 1, 1, 2, 2]);
});

test('turns of different aggregates do not wait for each other', async () => {
  const turns = new AggregateTurns(60_000);
  const ends = [await turns.take('a', never), await turns.take('b', never)];
  for (const end of ends) end();
});

test('a turn that is not ended ends after a time', async () => {
  const turns = new AggregateTurns(1);
  await turns.take('a', never);
  (await turns.take('a', never))();
});

test('a turn that is given up rejects with the reason, and later turns still wait for the earlier one', async () => {
  const turns = new AggregateTurns(60_000);
  const end = await turns.take('a', never);
  const stop = new AbortController();
  const given = turns.take('a', stop.signal);
  let hasBegun = false;
  const later = turns.take('a', never).then((endLater) => {
    hasBegun = true;
    endLater();
  });
  stop.abort('stop');
  await expect(given).rejects.toBe('stop');
  await new Promise(setImmediate);
  expect(hasBegun).toBe(false);
  end();
  await later;
});
