import {
  Aggregate,
  Application,
  type Cause,
  type DomainEvent,
  MultiThreadedRunner,
  memory,
  newId,
  run,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type SystemRunner,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { shop } from '../../examples/shop/shop.ts';
import { storages } from '../support/storages.ts';
import { damagedMemory } from '../tracing/verification/damaged-storages.ts';

type NoteEvent = DomainEvent<'Note.Written', { text: string }> | DomainEvent<'Note.Linked', { to: unknown }>;

class Note extends Aggregate<NoteEvent> {
  static write(text: string, id?: string): Note {
    return Note.create('Note.Written', { text }, id);
  }

  link(to: unknown): this {
    this.trigger('Note.Linked', { to });
    return this;
  }
}

class Notes extends Application<NoteEvent> {
  static readonly applicationName: string = 'notes';
  static readonly emits = ['Note.Written', 'Note.Linked'];
}

class Letters extends Notes {
  static override readonly applicationName = 'letters';
}

/** Returns the canonical histories of notes in one application and of letters in a second one. */
async function histories(notes: readonly Note[], letters: readonly Note[] = []): Promise<readonly string[]> {
  await using first = await Notes.open({ storage: memory() });
  await using second = await Letters.open({ storage: memory() });
  await first.save(...notes);
  await second.save(...letters);
  return await canonicalHistories([first, second]);
}

function notes(...texts: readonly string[]): Note[] {
  return texts.map((text) => Note.write(text));
}

/** Returns equal notes, one for each number, each linked to the note with that index. */
function linked(...targets: readonly number[]): Note[] {
  const all = targets.map(() => Note.write('same'));
  return all.map((note, i) => note.link(all[targets[i]!]!.id));
}

function chat(question = 'why?', answer = 'because'): Note[] {
  const [first, second] = notes(question, answer) as [Note, Note];
  return [first.link(second.id), second.link({ all: [first.id], [`to:${first.id}`]: 1 })];
}

test('ids and times do not matter', async () => {
  expect(await histories(chat())).toEqual(await histories(chat()));
  expect(await histories(linked(1, 2, 0))).toEqual(await histories(linked(2, 0, 1)));
});

test('the order of different aggregates in the log does not matter', async () => {
  expect(await histories(notes('a', 'b'))).toEqual(await histories(notes('b', 'a')));
});

test('a text shows an aggregate of one application: its label and its events', async () => {
  const [note] = notes('hello') as [Note];
  expect(await histories([note.link(note.id)])).toEqual([
    expect.stringMatching(
      /^notes id-[0-9a-f]{16}\n {2}Note\.Written \{"text":"hello"\}\n {2}Note\.Linked \{"to":"itself"\}$/,
    ),
  ]);
});

test('empty logs have no histories', async () => {
  expect(await histories([])).toEqual([]);
});

test('names given as ids are kept', async () => {
  const named = (id: string) => histories([Note.write('a', id)]);
  expect(await named('ABQ')).toEqual(['notes ABQ\n  Note.Written {"text":"a"}']);
  expect(await named('ABQ')).not.toEqual(await named('SFO'));
});

test('an id without an aggregate is kept', async () => {
  const id = newId();
  const [text] = await histories([Note.write('a').link(id)]);
  expect(text).toContain(id);
});

test('an aggregate may have its id in two applications', async () => {
  const twice = (other: string) => {
    const id = newId();
    return histories([Note.write('a', id), Note.write('b')], [Note.write(other, id)]);
  };
  expect(await twice('c')).toEqual(await twice('c'));
  expect(await twice('c')).not.toEqual(await twice('d'));
});

const different: readonly (readonly [string, () => Note[], () => Note[]])[] = [
  ['a field', () => chat('why?'), () => chat('how?')],
  ['an event', () => notes('a'), () => [Note.write('a').link(1)]],
  ['an aggregate', () => notes('a', 'a'), () => notes('a')],
  [
    'the order within an aggregate',
    () => [Note.write('a').link(1).link(2)],
    () => [Note.write('a').link(2).link(1)],
  ],
  ['a reference', () => linked(1, 2, 0), () => linked(1, 2, 1)],
  ['a reference to itself', () => linked(0, 1), () => linked(1, 0)],
  ['which of two equal aggregates is referred to twice', () => linked(2, 3, 2, 3), () => linked(2, 2, 2, 3)],
  ['a distant reference', () => linked(1, 2, 3, 4, 5, 5), () => linked(1, 2, 3, 4, 5, 4)],
];

test.each(different)('%s matters', async (_, one, other) => {
  expect(await histories(one())).toEqual(await histories(one()));
  expect(await histories(other())).toEqual(await histories(other()));
  expect(await histories(one())).not.toEqual(await histories(other()));
});

test('the application matters', async () => {
  expect(await histories(notes('a'))).not.toEqual(await histories([], notes('a')));
});

test('the referring aggregate matters', async () => {
  const received = (count: number) => {
    const received = notes('same', 'same') as [Note, Note];
    const sent = [0, 1].map((i) => Note.write('to').link(received[i % count]!.id));
    return histories(received, sent);
  };
  expect(await received(2)).toEqual(await received(2));
  expect(await received(2)).not.toEqual(await received(1));
});

describe('with causes', () => {
  const causes = { causes: true };

  async function placeOrders(runner: SystemRunner<(typeof shop.applications)[number]>): Promise<void> {
    await Promise.all(['ada', 'bob', 'eve'].map((customer) => runner.get(Orders).place(customer)));
    await runner.caughtUp();
  }

  async function historiesIn(storage: StorageDescription, options = causes): Promise<readonly string[]> {
    await using opened = new AsyncDisposableStack();
    const applications = [];
    for (const kind of shop.applications) {
      const application = await shop.open(kind, { storage });
      applications.push(opened.use(application as Application));
    }
    return await canonicalHistories(applications, options);
  }

  async function historiesOnOneThread(storage: StorageDescription): Promise<readonly string[]> {
    await using runner = await run(shop, { storage });
    await placeOrders(runner);
    return await historiesIn(storage);
  }

  test('a text shows the application, label and version of each causing event', async () => {
    const all = await historiesOnOneThread(memory());
    const [payment] = all.filter((text) => text.startsWith('payments'));
    expect(payment).toMatch(/^payments id-\w{16}\n {2}Payment\.Created \{.*\} <- orders id-\w{16} v2$/);
    const [order] = all.filter((text) => text.startsWith('orders'));
    expect(order).toMatch(
      /^orders .*\n {2}Order\.Created \{[^}]*\}\n.* <- reservations id-\w{16} v1\n.* <- payments/,
    );
  });

  test.each(storages)('every runner records the same causes on $name', async ({ create }) => {
    const expected = await historiesOnOneThread(memory());
    const starts = [
      (storage: StorageDescription) => MultiThreadedRunner.start(shop, { storage }),
      (storage: StorageDescription) =>
        SteppingSingleThreadedRunner.start(shop, { storage, normalSpeed: 1_000 }),
    ];
    for (const start of starts) {
      {
        await using runner = await start(create());
        await placeOrders(runner);
        const applications = shop.applications.map((kind) => runner.get(kind));
        expect(await canonicalHistories(applications, causes)).toEqual(expected);
      }
    }
  });

  test('a wrong cause matters', async () => {
    const damaged = damagedMemory();
    const expected = await historiesOnOneThread(damaged.storage);
    const without = await historiesIn(damaged.storage, { causes: false });
    // The payment of one order names the same version of another order.
    await using payments = await shop.open(Payments, { storage: damaged.storage });
    const [first] = await payments.log.select(0, 1);
    const cause = first?.cause as Cause;
    await damaged.overwrite({ applicationName: 'payments', id: 2 }, { cause });
    expect(await historiesIn(damaged.storage, { causes: false })).toEqual(without);
    expect(await historiesIn(damaged.storage)).not.toEqual(expected);
  });

  test('a cause in an application that was not passed is elsewhere', async () => {
    await using runner = await run(shop, { storage: memory() });
    await placeOrders(runner);
    const [, reservations] = shop.applications;
    for (const text of await canonicalHistories([runner.get(reservations!)], causes))
      expect(text).toMatch(/ <- orders elsewhere$/);
  });
});
