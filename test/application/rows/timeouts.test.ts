import { HandlerTimeoutError, run, System, verify } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { testedTallies } from '../../support/systems/tallies/tested-tallies.ts';
import { inTime } from '../../support/until.ts';

describe.each(testedTallies)(
  'a handler with rows that exceeds its time, on $name',
  ({ Tallies, create, table: tableOf }) => {
    test('ends its transaction and records nothing, and the next notification is processed', async () => {
      class SlowTallies extends Tallies {
        static readonly handlerTimeoutMs = 2_000; // the other handlers of a busy machine need far less
        static readonly errorRules = [{ error: HandlerTimeoutError, action: 'park' }] as const;
      }
      const system = System.of([[Clicks, SlowTallies]]);
      const storage = create();
      const table = tableOf();
      await using runner = await run(system, { storage });
      const tallies = runner.get(SlowTallies);
      const late = Promise.withResolvers<unknown>();
      let isSlow = true;
      tallies.meanwhile = (number, _rows, open) => {
        if (number !== 2 || !isSlow) return;
        return new Promise<never>((_resolve, reject) => {
          setTimeout(() => {
            open().then(late.resolve, late.resolve); // after its time
            reject(new Error('late'));
          }, 2_500);
        });
      };
      const clicks = runner.get(Clicks);
      const numbers = async () => (await tallies.marks(table)).map(({ number }) => number);
      await clicks.save(Click.make(table, 1));
      await clicks.save(Click.make(table, 2)).catch(() => {}); // is parked
      await clicks.save(Click.make(table, 3));
      expect(await numbers()).toEqual([1, 3]);
      expect(await tallies.log.head()).toBe(2);
      expect(await late.promise).toBeInstanceOf(Error);
      await clicks.save(Click.make(table, 4));
      isSlow = false;
      expect(await runner.retry(SlowTallies, {}, { by: 'ada', reason: 'it is fast now' })).toBe(1);
      await runner.caughtUp({ signal: inTime() });
      expect(await numbers()).toEqual([1, 2, 3, 4]);
      expect((await verify(storage, system)).faults).toEqual([]);
    });
  },
);
