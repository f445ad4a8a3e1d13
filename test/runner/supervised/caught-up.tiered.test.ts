import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { patient } from '../../support/until.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';
import { Ladder, Stairs, stairs } from '../multi-threaded/recursive-system.ts';

const never = 2 ** 30;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

describe.each(supervisedSubjects)('in $name', ({ start, create }) => {
  test('caughtUp() resolves only when all earlier events are processed', async () => {
    const random = randomNumbers(seed);
    await using runner = await start(shop, {
      storage: create(),
      pollIntervalMs: never,
    });
    const orders = runner.get(Orders);
    const placed: string[] = [];
    let checked = 0;
    const place = async (count: number) => {
      for (let left = count; left > 0; ) {
        const burst = Math.min(left, Math.ceil(random() * 50));
        placed.push(...(await Promise.all(Array.from({ length: burst }, () => orders.place(`${seed}`)))));
        left -= burst;
        if (random() < 0.3) await vi.waitUntil(() => checked > 0, patient);
      }
      return true;
    };
    let isPlaced = false;
    const placing = place(1_000).finally(() => {
      isPlaced = true;
    });
    for (let isLast = false; !isLast; ) {
      isLast = isPlaced;
      const before = [...placed];
      await runner.caughtUp();
      for (const id of before.slice(checked)) expect((await orders.get(id)).done, `seed ${seed}`).toBe(true);
      checked = Math.max(checked, before.length);
    }
    await placing;
    expect(checked).toBe(1_000);
    for (const kind of shop.applications) await assertContiguous(runner.get(kind));
    expect(await orders.log.head()).toBe(3_000);
  });

  test('caughtUp() waits for cycles and for applications that follow themselves', async () => {
    const random = randomNumbers(seed);
    await using runner = await start(stairs, {
      storage: create(),
      pollIntervalMs: never,
    });
    // Each step of height h leads to two lower steps on the stairs and one on the ladder.
    const stepsOf = (height: number): number => {
      let onStairs = 1;
      let onLadder = 0;
      let total = 1;
      for (let level = height; level > 0; level -= 1) {
        [onStairs, onLadder] = [onStairs + onLadder, onStairs];
        total += onStairs + onLadder;
      }
      return total;
    };
    let expected = 0;
    for (let round = 0; round < 8; round += 1) {
      const heights = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * 9));
      await Promise.all(heights.map((height) => runner.get(Stairs).climb(height)));
      await runner.caughtUp();
      for (const height of heights) expected += stepsOf(height);
      const heads = await Promise.all([Stairs, Ladder].map((kind) => runner.get(kind).log.head()));
      expect(heads[0]! + heads[1]!, `seed ${seed}, ${heights}`).toBe(expected);
    }
  });

  test('caughtUp() finds events of other writers without a prompt', async () => {
    const storage = create();
    await using orders = await shop.open(Orders, { storage });
    await using runner = await start(shop, { storage, pollIntervalMs: never });
    for (let round = 0; round < 3; round += 1) {
      const id = await orders.place(`${round}`);
      await runner.caughtUp();
      expect(await orders.get(id)).toMatchObject({ done: true });
    }
  });

  test('caughtUp() waits while events are processed, unless it is aborted', async () => {
    await using runner = await start(heldShop, {
      storage: create(),
      pollIntervalMs: never,
    });
    raise('hold');
    const id = await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('held'), patient);
    const abort = new AbortController();
    const reason = new Error('no time');
    let outcomes = 0;
    const count = () => {
      outcomes += 1;
    };
    const givenUp = runner.caughtUp({ signal: abort.signal });
    const waiting = runner.caughtUp({ signal: AbortSignal.timeout(never) });
    givenUp.then(count, count);
    waiting.then(count, count);
    for (let look = 0; look < 20; look += 1) await runner.status();
    expect(outcomes).toBe(0);
    abort.abort(reason);
    await expect(givenUp).rejects.toBe(reason);
    expect(outcomes).toBe(1);
    lower('hold');
    await waiting;
    expect((await runner.get(Orders).get(id)).done).toBe(true);
  });
});
