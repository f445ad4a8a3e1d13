import {
  Application,
  defineEvents,
  type EventsOf,
  event,
  memory,
  OtherVersionError,
  PolicyError,
  ProcessApplication,
  SingleThreadedRunner,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import * as earlier from '../../support/systems/evolution/earlier.ts';
import { Entry, type EntryEvent } from '../../support/systems/evolution/entries.ts';
import { Fact } from '../../support/systems/evolution/facts.ts';
import * as later from '../../support/systems/evolution/later.ts';

/** Handles whatever it is given: it waits for no type that it knows. */
class OpenJournal extends ProcessApplication<EntryEvent, earlier.EarlierEvent> {
  static readonly applicationName = 'journal';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({}, ({ type }, repository) => Entry.make(type, repository.deriveId()));
}

async function entriesOf(journal: Application): Promise<string[]> {
  const entries: string[] = [];
  for await (const { event } of journal.reader())
    entries.push(`${event.cause?.notificationId} ${(event as EntryEvent).data.what}`);
  return entries;
}

function handledTypesOf(journal: Application) {
  return applicationInternals.storeOf(journal).recorder.position(0, 'orders');
}

describe.each(storages)('two versions side by side, on $name', ({ create }) => {
  test('the earlier one waits in front of events of a newer version, and continues behind them', async () => {
    const storage = create();
    await using before = await earlier.Orders.open({ storage });
    await using after = await later.Orders.open({ storage });
    await using old = await earlier.Journal.open({ storage });
    old.follow(before.log);
    await before.save(earlier.Order.place('ada', 1));
    expect(await old.run()).toBe(1);
    await after.save(later.Order.make('bea', 700));
    const error = await rejectionOf(old.run(), OtherVersionError);
    expect(error).toMatchObject({ reason: 'UNKNOWN_TYPE', notificationId: 2, eventType: 'Order.Created@2' });
    await using journal = await later.Journal.open({ storage });
    journal.follow(after.log);
    expect(await journal.run()).toBe(1);
    await before.save(earlier.Order.place('cy', 3));
    expect(await old.run()).toBe(1);
    expect(await entriesOf(journal)).toEqual([
      '1 created ada 500 g',
      '2 created bea 700 g',
      '3 created cy 1500 g',
    ]);
  });

  test('the earlier one leaves what only the later one handles, also under former names', async () => {
    const storage = create();
    await using before = await earlier.Orders.open({ storage });
    await using after = await later.Orders.open({ storage });
    await using old = await earlier.Journal.open({ storage });
    old.follow(before.log);
    await using journal = await later.Journal.open({ storage });
    journal.follow(after.log);
    expect(await journal.run()).toBe(0);
    expect((await handledTypesOf(journal)).handledTypes).toEqual([
      'Order.Changed',
      'Order.Created',
      'Order.Created@2',
      'Order.Moved',
      'Order.Noted',
      'Order.Placed',
      'Order.Placed@2',
      'Order.Renamed',
    ]);
    await before.save(earlier.Order.place('ada', 1).change({ to: 'Rome' }));
    const error = await rejectionOf(old.run(), OtherVersionError);
    expect(error).toMatchObject({
      reason: 'TYPE_HANDLED_ELSEWHERE',
      notificationId: 2,
      eventType: 'Order.Changed',
    });
    expect(await journal.run()).toBe(2); // the first of them was processed by the earlier one
    expect(await old.run()).toBe(0);
    expect(await entriesOf(journal)).toEqual(['1 created ada 500 g', '2 moved Rome']);
  });

  test('process each event once while both run', async () => {
    const storage = create();
    await using newer = await SingleThreadedRunner.start(later.system, { storage });
    await using older = await SingleThreadedRunner.start(earlier.system, { storage });
    await using before = await earlier.Orders.open({ storage });
    const expected: string[] = [];
    for (let i = 0; i < 10; i += 1) {
      await before.save(earlier.Order.place(`old ${i}`, i).note('a').change({ name: 'x', to: 'Rome' }));
      await newer.get(later.Orders).save(later.Order.make(`new ${i}`, i).move('Oslo'));
      expected.push(`created old ${i} ${i * 500} g`, 'renamed x', 'moved Rome');
      expected.push(`created new ${i} ${i} g`, 'moved Oslo');
    }
    await newer.caughtUp();
    await older.close();
    const entries = await entriesOf(newer.get(later.Journal));
    expect(entries.map((entry) => entry.slice(entry.indexOf(' ') + 1))).toEqual(expected);
    const causes = entries.map((entry) => Number(entry.split(' ')[0]));
    expect(causes).toEqual([...causes].sort((a, b) => a - b));
    expect(new Set(causes).size).toBe(40); // two entries for each event that is read as two
  });

  test('a handler of all other types does not get versions that its code does not know', async () => {
    const storage = create();
    await using before = await earlier.Orders.open({ storage });
    await using after = await later.Orders.open({ storage });
    await using open = await OpenJournal.open({ storage });
    open.follow(before.log);
    await before.save(earlier.Order.place('ada', 1));
    await after.save(later.Order.make('bea', 700));
    expect(await rejectionOf(open.run(), OtherVersionError)).toMatchObject({ reason: 'UNKNOWN_TYPE' });
    expect(await entriesOf(open)).toEqual(['1 Order.Placed']);
  });
});

const wide = defineEvents(
  {
    A: event<{ n: number }>().upcast(({ n }) => ({ n: n + 1 })),
    B: event<{ n: number }>(),
    C: event<{ n: number }>(),
  },
  {
    former: {
      AB: event<{ n: number }>().into(({ n }) => [
        { type: 'A', data: { n } },
        { type: 'B', data: { n } },
      ]),
      // A number decides what is read.
      Any: event<{ n: number }>().into(({ n }) =>
        n === 0 ? [] : n === 1 ? [{ type: 'B', data: { n } }] : [{ type: 'C', data: { n } }],
      ),
    },
  },
);
type WideEvent = EventsOf<typeof wide>;

class Source extends Application<WideEvent> {
  static readonly applicationName = 'source';
  static readonly emits = wide;
}

/** What `Source` recorded before. */
class FormerSource extends Application {
  static readonly applicationName = 'source';
  static readonly emits = ['AB', 'Any', 'A'] as const;
}

class HandlesA extends ProcessApplication<EntryEvent, WideEvent> {
  static readonly applicationName = 'journal';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({
    A: ({ data }, repository) => Entry.make(`A ${data.n}`, repository.deriveId()),
  });
}

class HandlesAandB extends HandlesA {
  override readonly policy = this.when({
    A: ({ data }, repository) => Entry.make(`A ${data.n}`, repository.deriveId()),
    B: ({ data }, repository) => Entry.make(`B ${data.n}`, repository.deriveId()),
  });
}

describe('an event that is read as several ones', () => {
  test('waits for the version that handles all parts, and passes if all parts are handled or ignored', async () => {
    const storage = memory();
    await using former = await FormerSource.open({ storage });
    await using source = await Source.open({ storage });
    await using some = await HandlesA.open({ storage });
    some.follow(source.log);
    await using all = await HandlesAandB.open({ storage });
    all.follow(source.log);
    expect(await all.run()).toBe(0);
    await former.save(Fact.make('Any', 0), Fact.make('Any', 2), Fact.make('AB', 5), Fact.make('Any', 1));
    const first = await rejectionOf(some.run(), OtherVersionError);
    expect(first).toMatchObject({ reason: 'TYPE_HANDLED_ELSEWHERE', notificationId: 3, eventType: 'AB' });
    expect(await all.run({ upTo: 3 })).toBe(3);
    expect(await rejectionOf(some.run(), OtherVersionError)).toMatchObject({
      notificationId: 4,
      eventType: 'Any',
    });
    expect(await all.run()).toBe(1);
    expect(await entriesOf(all)).toEqual(['3 A 5', '3 B 5', '4 B 1']);
  });

  test('is handled as a whole: if a part fails, nothing of it is recorded, and the error names it', async () => {
    const storage = memory();
    await using former = await FormerSource.open({ storage });
    await using source = await Source.open({ storage });
    let isBroken = true;
    class Breaks extends HandlesA {
      override readonly policy = this.when({
        A: ({ data }, repository) => Entry.make(`A ${data.n}`, repository.deriveId()),
        B: ({ data }, repository) => {
          if (isBroken) throw new Error('broken');
          return Entry.make(`B ${data.n}`, repository.deriveId());
        },
      });
    }
    await using journal = await Breaks.open({ storage });
    journal.follow(source.log);
    await former.save(Fact.make('A', 1), Fact.make('AB', 2), Fact.make('AB', 3));
    const error = await rejectionOf(journal.run(), PolicyError);
    expect(error).toMatchObject({ notificationId: 2, eventType: 'AB' });
    expect(await entriesOf(journal)).toEqual(['1 A 2']);
    isBroken = false;
    expect(await journal.run()).toBe(2);
    expect(await entriesOf(journal)).toEqual(['1 A 2', '2 A 2', '2 B 2', '3 A 3', '3 B 3']);
  });

  test('is never divided between two batches, however long its first part takes', async () => {
    const storage = memory();
    await using former = await FormerSource.open({ storage });
    await using source = await Source.open({ storage });
    class Slow extends HandlesA {
      override readonly policy = this.when({
        A: ({ data }, repository) => {
          for (const end = performance.now() + 150; performance.now() < end; ) void 0; // longer than a batch may take
          return Entry.make(`A ${data.n}`, repository.deriveId());
        },
        B: ({ data }, repository) => Entry.make(`B ${data.n}`, repository.deriveId()),
      });
    }
    await using journal = await Slow.open({ storage });
    journal.follow(source.log);
    await former.save(Fact.make('Any', 1), Fact.make('AB', 2), Fact.make('AB', 3));
    expect(await journal.run()).toBe(3);
    expect(await entriesOf(journal)).toEqual(['1 B 1', '2 A 2', '2 B 2', '3 A 3', '3 B 3']);
  });

  test('is ignored if all of its parts are: no position is recorded for it alone', async () => {
    const storage = memory();
    await using former = await FormerSource.open({ storage });
    await using source = await Source.open({ storage });
    await using journal = await HandlesA.open({ storage });
    journal.follow(source.log);
    await former.save(...[0, 2, 0, 1, 0].map((n) => Fact.make('Any', n)));
    expect(await journal.run()).toBe(5);
    expect((await applicationInternals.storeOf(journal).recorder.position(0, 'source')).position).toBe(0);
    await former.save(Fact.make('A', 1));
    expect(await journal.run()).toBe(1);
    expect((await applicationInternals.storeOf(journal).recorder.position(0, 'source')).position).toBe(6);
    expect(await entriesOf(journal)).toEqual(['6 A 2']);
  });
});
