import { setTimeout as delay } from 'node:timers/promises';
import { ProcessApplication, run, System } from 'kahn';
import { expect, test } from 'vitest';
import { storages } from '../../support/storages.ts';
import * as earlier from '../../support/systems/evolution/earlier.ts';
import { Entry, type EntryEvent } from '../../support/systems/evolution/entries.ts';
import { type OrderEvent, Orders } from '../../support/systems/evolution/later.ts';
import { inTime } from '../../support/until.ts';

/** Time that each event takes, in ms: longer than the share of a batch. */
const workMs = 30;

class SlowJournal extends ProcessApplication<EntryEvent, OrderEvent> {
  static readonly applicationName = 'journal';
  static readonly emits = ['Entry.Made'] as const;

  override readonly policy = this.when({
    'Order.Renamed': async ({ data }, repository) => {
      await delay(workMs);
      return Entry.make(`renamed ${data.name}`, repository.deriveId());
    },
    'Order.Moved': async ({ data }, repository) => {
      await delay(workMs);
      return Entry.make(`moved ${data.to}`, repository.deriveId());
    },
  });
}

test.each(storages)('a slow policy handles all parts of a split event once, on $name', async ({ create }) => {
  const storage = create();
  {
    await using orders = await earlier.Orders.open({ storage });
    const order = earlier.Order.place('ada', 1);
    for (const n of [1, 2, 3]) order.change({ name: `n${n}`, to: `t${n}` });
    await orders.save(order);
  }
  await using runner = await run(System.of([[Orders, SlowJournal]]), { storage });
  await runner.caughtUp({ signal: inTime() });
  const entries = await runner.get(SlowJournal).reader().read();
  expect(entries.map(({ event }) => event.data.what)).toEqual(
    [1, 2, 3].flatMap((n) => [`renamed n${n}`, `moved t${n}`]),
  );
});
