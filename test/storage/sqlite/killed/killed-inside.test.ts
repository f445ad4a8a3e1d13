import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type SqliteOptions, sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../../src/application/application.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { oneFile, sqliteLayouts, temporaryDirectory } from '../../../support/storages.ts';
import { Click, Clicks, Counters } from '../../../support/systems/clicks.ts';
import { byTier } from '../../../support/tier.ts';

const program = new URL('./dying-counters.ts', import.meta.url);

/** Counts in a process that is killed before a statement; resolves with the statements it ran, if it was not killed. */
async function count(options: SqliteOptions, fatal: number): Promise<readonly string[] | undefined> {
  const child = fork(program, [JSON.stringify(options), `${fatal}`], {
    execArgv: ['--conditions=kahn-source'],
  });
  let statements: readonly string[] | undefined;
  child.on('message', (message) => {
    statements = message as readonly string[];
  });
  const [code, signal] = await once(child, 'close');
  expect([code, signal]).toEqual(statements === undefined ? [null, 'SIGKILL'] : [0, null]);
  return statements;
}

test.each(sqliteLayouts)(
  'with sqlite({ $name }), a process killed before any statement of a recording leaves neither its events nor its position',
  async ({ optionsIn, fileOf }) => {
    const directory = temporaryDirectory();
    const storage = sqlite(optionsIn(directory));
    const recorded = async () => {
      await using counters = await Counters.open({ storage });
      const { recorder } = applicationInternals.storeOf(counters);
      const { position } = await recorder.position(0, 'clicks');
      return { events: await counters.log.head(), position };
    };
    await using clicks = await Clicks.open({ storage });
    await clicks.save(Click.make('a', 1)); // a single notification: a batch may be cut between two
    let statements: readonly string[] | undefined;
    for (let fatal = 0; statements === undefined; fatal += 1) {
      expect(await recorded()).toEqual({ events: 0, position: 0 });
      statements = await count(optionsIn(directory), fatal);
    }
    expect(await recorded()).toEqual({ events: 2, position: 1 });
    const insert = `insert or ignore into ${fileOf(directory, 'counters').tables.events}`;
    expect(statements.filter((text) => text === insert)).toHaveLength(2);
    expect(statements.at(-1)).toBe('commit');
  },
);

test.each(byTier([oneFile], sqliteLayouts))(
  'with sqlite({ $name }), a process killed before any statement of a save leaves neither its events nor its key',
  async ({ optionsIn }) => {
    const options = optionsIn(temporaryDirectory());
    for (let fatal = 0, isKilled = true; isKilled; fatal += 1) {
      const arguments_ = [JSON.stringify(options), 'record', `${fatal}`, `${fatal}`];
      const child = fork(new URL('./dying-recorder.ts', import.meta.url), arguments_);
      const [, signal] = await once(child, 'close');
      isKilled = signal === 'SIGKILL';
      const storage = await openStorage(sqlite(options));
      const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
      const [history] = await recorder.histories([
        { originatorId: `${fatal}`, after: 0, useSnapshot: false },
      ]);
      const isRecorded = history?.events.length === 2;
      expect(isRecorded).toBe(!isKilled || fatal > 4); // begin, insert into commands, insert into events twice, commit
      expect((await recorder.command!(`${fatal}`)) !== undefined).toBe(isRecorded);
      await recorder.close();
    }
  },
);
