import {
  InvalidApplicationError,
  InvalidPolicyError,
  InvalidStorageError,
  MultiThreadedRunner,
  memory,
  PolicyError,
  ProcessApplication,
  run,
  SteppingMultiThreadedRunner,
  type StorageDescription,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { Click, type ClickEvent, Clicks } from '../../support/systems/clicks.ts';
import { postgresTallies } from '../../support/systems/tallies/postgres-tallies.ts';
import { SqliteTallies, sqliteTallies } from '../../support/systems/tallies/sqlite-tallies.ts';
import type { TallyEvent } from '../../support/systems/tallies/tally.ts';

const withoutRows: StorageDescription = {
  module: new URL('storage-without-rows.ts', import.meta.url).href,
  options: {},
};

async function refusal(starting: Promise<AsyncDisposable>): Promise<InvalidStorageError> {
  const error = await starting.then(
    (started) => started[Symbol.asyncDispose](),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(InvalidStorageError);
  return error as InvalidStorageError;
}

describe('a start is refused', () => {
  test.each([
    [
      'rows of SQLite in PostgreSQL',
      sqliteTallies,
      () => temporaryPostgres(),
      'rows of this storage are those of PostgreSQL',
    ],
    [
      'rows of PostgreSQL in SQLite',
      postgresTallies,
      () => temporarySqlite(),
      'rows of this storage are those of SQLite',
    ],
    [
      'rows of PostgreSQL in memory',
      postgresTallies,
      () => memory(),
      'rows of this storage are those of SQLite',
    ],
    [
      'rows on a single connection',
      postgresTallies,
      () => temporaryPostgres({ poolSize: 1 }),
      'a single connection',
    ],
    ['rows in other storage', sqliteTallies, () => withoutRows, 'records rows, which its storage cannot'],
  ] as const)('with %s', async (_, stated, create, reason) => {
    const storage = create();
    const system = stated as unknown as typeof sqliteTallies;
    const Tallies = system.applications[1] as typeof SqliteTallies;
    const starts = [
      () => run(system, { storage }),
      () => MultiThreadedRunner.start(system, { storage }),
      () => system.open(Tallies, { storage }),
      () => Tallies.open({ storage }),
    ];
    for (const start of starts) expect((await refusal(start())).message).toContain(reason);
  });

  test.each([
    [
      'MultiThreadedRunner',
      (storage: StorageDescription) => MultiThreadedRunner.start(sqliteTallies, { storage }),
    ],
    [
      'SteppingRunner with threads',
      (storage: StorageDescription) => SteppingMultiThreadedRunner.start(sqliteTallies, { storage }),
    ],
  ])('with rows in memory by a %s, and the memory may be used without threads then', async (_, start) => {
    const storage = memory();
    expect((await refusal(start(storage))).message).toContain(
      "Rows of 'tallies' cannot be recorded in memory() that",
    );
    await using runner = await run(sqliteTallies, { storage });
    await runner.get(Clicks).save(Click.make('tally_rows', 1));
    await runner.caughtUp();
    expect(await runner.get(SqliteTallies).marks('tally_rows')).toHaveLength(1);
  });
});

class Undeclared extends ProcessApplication<TallyEvent, ClickEvent> {
  static readonly applicationName = 'undeclared';
  static readonly emits = ['Tally.Marked'] as const;

  override readonly policy = this.when({
    'Click.Made': async (_event, _repository, { rows }) => void (await rows()),
  });
}

describe('rows() is refused', () => {
  test('in a class without static rows, as is readRows()', async () => {
    const storage = memory();
    await using clicks = await Clicks.open({ storage });
    await using undeclared = await Undeclared.open({ storage });
    await clicks.save(Click.make('a', 1));
    undeclared.follow(clicks.log);
    const error = await undeclared.run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PolicyError);
    expect((error as PolicyError).cause).toBeInstanceOf(InvalidPolicyError);
    expect((error as PolicyError).message).toContain("its class has no 'static readonly rows'");
    await expect(undeclared.readRows(() => 1)).rejects.toBeInstanceOf(InvalidApplicationError);
  });

  test.each([null, 'sqlite', {}, { driver: '' }])('in a class whose static rows are %o', async (rows) => {
    class Wrong extends Undeclared {
      static readonly rows = rows as never;
    }
    await expect(Wrong.open({ storage: memory() })).rejects.toBeInstanceOf(InvalidApplicationError);
  });
});
