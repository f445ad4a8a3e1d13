import type { DatabaseSync } from 'node:sqlite';
import { Aggregate, type DomainEvent, KahnError, type Personal, ProcessApplication, personal } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { Click, type ClickEvent, Clicks } from '../../support/systems/clicks.ts';

type LetterEvent = DomainEvent<'Letter.Sent', { to: Personal<string> }>;
class Letter extends Aggregate<LetterEvent> {}

/** Records a row, and an event with new personal data, for each click. */
class Letters extends ProcessApplication<LetterEvent, ClickEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'letters';
  static readonly emits = ['Letter.Sent'] as const;
  static readonly rows = sqliteRows;

  /** The first handle for each click. */
  readonly handles = new Map<number, DatabaseSync>();

  override readonly policy = this.when({
    'Click.Made': async ({ data: { number } }, repository, { rows }) => {
      const db = await rows();
      if (!this.handles.has(number)) this.handles.set(number, db);
      db.exec('create table if not exists letters (number integer primary key)');
      db.prepare('insert into letters values (?)').run(number);
      return Letter.create(
        'Letter.Sent',
        { to: personal(`subject ${number}`, 'ada') },
        repository.deriveId(),
      );
    },
  });
}

function codeOf(handle: DatabaseSync): string | undefined {
  try {
    handle.exec('select 1');
  } catch (error) {
    if (error instanceof KahnError) return error.code;
  }
}

test('rows are recorded with personal data of new subjects, whose keys are in the same file', async () => {
  const storage = temporarySqlite();
  await using clicks = await Clicks.open({ storage });
  await using letters = await Letters.open({ storage });
  for (const number of [1, 2, 3]) await clicks.save(Click.make('a', number));
  letters.follow(clicks.log, 1);
  expect(await letters.run()).toBe(3);
  // Each transaction was ended for the keys: one for which they wait ends with ROWS_TIMED_OUT, all three of them.
  expect([...letters.handles.values()].map(codeOf)).toContain('ROWS_ENDED');
  expect(await letters.readRows((db) => db.prepare('select number from letters').all().length)).toBe(3);
  expect(await letters.log.head()).toBe(3);
});
