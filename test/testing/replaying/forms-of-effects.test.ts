import type { DatabaseSync } from 'node:sqlite';
import {
  Aggregate,
  Application,
  defineEvents,
  type EventsOf,
  event,
  memory,
  ProcessApplication,
  run,
  type StorageDescription,
  System,
} from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { replayPolicies } from 'kahn/testing';
import { expect, test } from 'vitest';
import { storages, temporarySqlite } from '../../support/storages.ts';

const bellEvents = defineEvents({ 'Bell.Rung': event<{ n: number }>(), 'Bell.Cast': event<{ n: number }>() });
type BellEvent = EventsOf<typeof bellEvents>;

class Bell extends Aggregate<BellEvent> {}

class Bells extends Application<BellEvent> {
  static readonly applicationName = 'bells';
  static readonly emits = bellEvents;
}

/** Records bells first, so that a policy handles all of them in one batch. */
async function recordBells(storage: StorageDescription, ...types: readonly BellEvent['type'][]) {
  await using bells = await System.of([[Bells]]).open(Bells, { storage });
  for (const [n, type] of types.entries()) await bells.save(Bell.create(type, { n }));
}

async function replayed(system: System, from: StorageDescription) {
  const replay = await replayPolicies(system, { from });
  return { ...replay.counts, same: replay.same, handled: replay.handled, report: String(replay) };
}

const none = { different: 0, new: 0, missing: 0, failed: 0 };

const bookEvents = defineEvents({
  'Book.Noted': event<{ n: number }>({ notifiable: false }),
  'Book.Written': event<{ n: number }>(),
});
type BookEvent = EventsOf<typeof bookEvents>;

/** Its events without a place in the log are before, between and behind those with one. */
class Book extends Aggregate<BookEvent> {
  notes = 0;

  write(n: number): void {
    for (const type of ['Book.Noted', 'Book.Written', 'Book.Noted', 'Book.Written', 'Book.Noted'] as const)
      this.trigger(type, { n: n + this.notes });
  }

  note(n: number): void {
    this.trigger('Book.Noted', { n });
  }

  protected override apply({ type }: BookEvent): void {
    if (type === 'Book.Noted') this.notes += 1;
  }
}

class Books extends ProcessApplication<BookEvent, BellEvent> {
  static readonly applicationName = 'books';
  static readonly emits = bookEvents;
  readonly written: (n: number) => number = (n) => n;

  override readonly policy = this.when({
    'Bell.Rung': async ({ data: { n } }, repository) => {
      const book = (await repository.has(Book, 'b')) ? await repository.get(Book, 'b') : new Book('b');
      book.write(this.written(n));
      return book;
    },
  });
}

class OtherBooks extends Books {
  override readonly written = (n: number) => n + 1;
}

test.each(storages)(
  'effects without a place in the log are told from events that were there before, on $name',
  async ({ create }) => {
    const storage = create();
    const system = System.of([[Bells, Books]]);
    await recordBells(storage, 'Bell.Rung', 'Bell.Rung', 'Bell.Rung');
    {
      await using runner = await run(system, { storage });
      await runner.caughtUp();
      await runner.get(Books).update(Book, 'b', (book) => book.note(7)); // a command, before a further bell
      await runner.get(Bells).save(Bell.create('Bell.Rung', { n: 4 }));
    }
    expect(await replayed(system as System, storage)).toMatchObject({ ...none, same: 8 });
    const changed = await replayed(System.of([[Bells, OtherBooks]]) as System, storage);
    expect(changed).toMatchObject({ ...none, different: 8, same: 0 });
    expect(changed.report).not.toContain('originatorVersion');
  },
);

type LetterEvent = EventsOf<typeof letterEvents>;
const letterEvents = defineEvents({
  'Letter.Written': event<{ n: number }>(),
  'Letter.Sent': event<object>(),
});

class Letter extends Aggregate<LetterEvent> {
  send(): void {
    this.trigger('Letter.Sent', {});
  }
}

/** Writes and sends a letter for a bell; counts bells that are cast in rows. */
class Letters extends ProcessApplication<LetterEvent, BellEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'letters';
  static readonly emits = letterEvents;
  static readonly rows = sqliteRows;
  readonly written: (n: number) => number = (n) => n;

  override readonly policy = this.when({
    'Bell.Rung': ({ data: { n } }, repository) => {
      const letter = Letter.create('Letter.Written', { n: this.written(n) }, repository.deriveId());
      letter.send();
      return letter;
    },
    'Bell.Cast': async ({ data: { n } }, repository, context) => {
      const db = await context.rows();
      db.exec('create table if not exists casts (n integer) strict');
      db.prepare('insert into casts values (?)').run(n);
      return Letter.create('Letter.Written', { n }, repository.deriveId());
    },
  });
}

class OtherLetters extends Letters {
  override readonly written = (n: number) => n + 1;
}

test.each([
  ['memory', () => memory()],
  ['sqlite', () => temporarySqlite()],
])('a policy with rows is replayed, but for handlers that use them, on %s', async (_, create) => {
  const storage = create();
  const system = System.of([[Bells, Letters]]);
  await recordBells(storage, 'Bell.Rung', 'Bell.Cast', 'Bell.Rung', 'Bell.Cast');
  {
    await using runner = await run(system, { storage });
    await runner.caughtUp();
    expect(await runner.get(Letters).log.head()).toBe(6);
  }
  const unchanged = await replayed(system as unknown as System, storage);
  expect(unchanged).toMatchObject({ ...none, same: 4, handled: 2 });
  expect(unchanged.report).toContain('left out: bells -> letters: 2 notifications, whose handlers use rows');
  const changed = await replayed(System.of([[Bells, OtherLetters]]) as unknown as System, storage);
  expect(changed).toMatchObject({ ...none, same: 2, different: 2 });
});

// The letters of a release before: one event says what two say now, and another one does not matter any more.
const earlierEvents = defineEvents({
  'Letter.Stamped': event<object>(),
  'Letter.Posted': event<{ n: number }>(),
});
type EarlierEvent = EventsOf<typeof earlierEvents>;

class EarlierLetter extends Aggregate<EarlierEvent> {
  post(n: number): void {
    this.trigger('Letter.Stamped', {});
    this.trigger('Letter.Posted', { n });
  }
}

class EarlierLetters extends ProcessApplication<EarlierEvent, BellEvent> {
  static readonly applicationName = 'letters';
  static readonly emits = earlierEvents;

  override readonly policy = this.when({
    'Bell.Rung': ({ data: { n } }, repository) => {
      const letter = new EarlierLetter(repository.deriveId());
      letter.post(n);
      return letter;
    },
  });
}

const laterEvents = defineEvents(
  { 'Letter.Written': event<{ n: number }>(), 'Letter.Sent': event<object>() },
  {
    former: {
      'Letter.Stamped': event<object>().into(() => []),
      'Letter.Posted': event<{ n: number }>().into(({ n }) => [
        { type: 'Letter.Written', data: { n } },
        { type: 'Letter.Sent', data: {} },
      ]),
    },
  },
);

class LaterLetters extends ProcessApplication<LetterEvent, BellEvent> {
  static readonly applicationName = 'letters';
  static readonly emits = laterEvents;
  readonly written: (n: number) => number = (n) => n;

  override readonly policy = this.when({
    'Bell.Rung': ({ data: { n } }, repository) => {
      const letter = Letter.create('Letter.Written', { n: this.written(n) }, repository.deriveId());
      letter.send();
      return letter;
    },
  });
}

class OtherLaterLetters extends LaterLetters {
  override readonly written = (n: number) => n + 1;
}

test('effects of former types are compared as the events that are read in their place', async () => {
  const storage = memory();
  await recordBells(storage, 'Bell.Rung', 'Bell.Rung');
  await (await run(System.of([[Bells, EarlierLetters]]), { storage })).close();
  const later = System.of([[Bells, LaterLetters]]) as unknown as System;
  expect(await replayed(later, storage)).toMatchObject({ ...none, same: 4 });
  const other = System.of([[Bells, OtherLaterLetters]]) as unknown as System;
  expect(await replayed(other, storage)).toMatchObject({ ...none, same: 2, different: 2 });
});
