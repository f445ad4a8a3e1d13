import assert from 'node:assert/strict';
import type { ProcessEvent, RecordedRows, Recorder, WriteLock } from '../../../storage/index.ts';
import { event, processEvent, tracked } from '../fixture.ts';
import type { Test, TestedRows, TestedStorage } from '../tested-storage.ts';

/** An open recorder whose storage has an empty table with the column `number`. */
interface RowsFixture extends TestedRows {
  readonly storage: TestedStorage;
  readonly recorder: Recorder;
  readonly recorded: RecordedRows;
  lock(): Promise<WriteLock>;
  insert(handle: unknown, number: number): Promise<unknown>;
  /** Reads the numbers in the table. */
  numbers(): Promise<readonly number[]>;
}

type RowsTest = (name: string, body: (fixture: RowsFixture) => Promise<void>) => void;

/** Rows that are written with the handle of a write lock. */
export function rows(test: Test): void {
  const testRows: RowsTest = (name, body) =>
    test(name, async (storage) => {
      const { rows } = storage;
      assert.ok(rows !== undefined, 'create() gives no rows, and the storage does not lack them');
      await body(await fixtureOf(storage, rows));
    });
  recordedTogether(testRows);
  lostTogether(testRows);
  guarded(testRows);
  read(testRows);
}

async function fixtureOf(storage: TestedStorage, rows: TestedRows): Promise<RowsFixture> {
  const recorder = await storage.open();
  assert.ok(recorder.rows !== undefined && recorder.lock !== undefined);
  const recorded = recorder.rows(rows.kind);
  const lock = recorder.lock.bind(recorder);
  const { table, run } = rows;
  const numbers = async () => {
    const found = await recorded.read((handle) => run(handle, `select number from ${table} order by number`));
    return found.map(([number]) => Number(number));
  };
  const made = await lock();
  await run(made.handle, `create table ${table} (number integer primary key)`);
  await made.record(0, [tracked('up', 0, 1)]);
  const insert = (handle: unknown, number: number) =>
    run(handle, `insert into ${table} (number) values (${number})`);
  return { ...rows, storage, recorder, recorded, lock, insert, numbers };
}

const next: ProcessEvent = tracked('up', 1, 2, event('a', 1));

async function assertNothingRecorded({ recorder, numbers }: RowsFixture): Promise<void> {
  const { position } = await recorder.position(0, 'up');
  assert.deepEqual([await numbers(), await recorder.head(0), position], [[], 0, 1]);
}

function recordedTogether(testRows: RowsTest): void {
  testRows('are recorded with events and position', async ({ lock, insert, numbers, recorder }) => {
    const held = await lock();
    await insert(held.handle, 1);
    await insert(held.handle, 2);
    assert.equal(await held.record(0, [next]), 1);
    assert.deepEqual(await numbers(), [1, 2]);
    assert.equal((await recorder.position(0, 'up')).position, 2);
  });

  testRows('may be undone up to a savepoint', async ({ lock, insert, numbers, run }) => {
    const held = await lock();
    await run(held.handle, 'savepoint a');
    await insert(held.handle, 1);
    await run(held.handle, 'rollback to a');
    await insert(held.handle, 2);
    await run(held.handle, 'release a');
    await held.record(0, [next]);
    assert.deepEqual(await numbers(), [2]);
  });

  testRows('are written while another application records', async ({ storage, lock, insert, numbers }) => {
    const other = await storage.open('other');
    const held = await lock();
    await insert(held.handle, 1);
    const recording = other.record(0, [processEvent(event('b', 1))]);
    await insert(held.handle, 2);
    await held.record(0, [next]);
    assert.equal(await recording, 1);
    assert.deepEqual(await numbers(), [1, 2]);
  });
}

function lostTogether(testRows: RowsTest): void {
  testRows('are lost with a conflict', async (fixture) => {
    await fixture.recorder.record(1, [processEvent(event('b', 1))]);
    for (const [conflicting, code] of [
      [tracked('up', 1, 2, event('b', 1)), 'RECORD_CONFLICT'],
      [tracked('up', 0, 2, event('a', 1)), 'POSITION_CONFLICT'],
    ] as const) {
      const held = await fixture.lock();
      await fixture.insert(held.handle, 1);
      await assert.rejects(held.record(0, [conflicting]), { code });
      await assertNothingRecorded(fixture);
    }
  });

  testRows('are lost when the lock is released, and nothing is recorded without them', async (fixture) => {
    const held = await fixture.lock();
    await fixture.insert(held.handle, 1);
    await held.release();
    await assert.rejects(held.record(0, [next]), { name: 'RowsError', code: 'ROWS_ENDED' });
    await assertNothingRecorded(fixture);
    assert.equal(await fixture.recorder.record(0, [next]), 1);
  });

  testRows('are lost when the recorder is closed', async (fixture) => {
    const { storage, recorder, lock, insert, kind, table, run } = fixture;
    await insert((await lock()).handle, 1);
    await recorder.close();
    const again = (await storage.open()).rows?.(kind);
    assert.deepEqual(await again?.read((handle) => run(handle, `select number from ${table}`)), []);
  });

  testRows('are refused by a deferred constraint, with events and position', async (fixture) => {
    const { lock, insert, run, table } = fixture;
    const making = await lock();
    const key = `number integer references ${table} (number) deferrable initially deferred`;
    await run(making.handle, `create table ${table}_parts (${key})`);
    await making.record(0, [tracked('other', 0, 1)]);
    const held = await lock();
    await run(held.handle, `insert into ${table}_parts (number) values (7)`);
    await assert.rejects(held.record(0, [next]), { name: 'StorageError', code: 'STORAGE_REFUSED' });
    await assertNothingRecorded(fixture);
    const later = await lock();
    await run(later.handle, `insert into ${table}_parts (number) values (7)`);
    await insert(later.handle, 7);
    assert.equal(await later.record(0, [next]), 1);
  });
}

/** Statements that would end the transaction. */
const endings = ['commit', 'END', '-- a\n/* b */ ; Rollback', 'begin', 'rollback; select 1'];

function guarded(testRows: RowsTest): void {
  for (const text of endings) {
    testRows(`${JSON.stringify(text)} is refused, and the transaction goes on`, async (fixture) => {
      const { lock, insert, numbers, run } = fixture;
      const held = await lock();
      await insert(held.handle, 1);
      await assert.rejects(run(held.handle, text), { name: 'RowsError', code: 'ROWS_REFUSED' });
      await insert(held.handle, 2);
      await held.record(0, [next]);
      assert.deepEqual(await numbers(), [1, 2]);
    });
  }

  testRows('a text whose second statement commits is refused', async (fixture) => {
    const { lock, run, table } = fixture;
    const held = await lock();
    const text = `insert into ${table} (number) values (1); commit; insert into ${table} (number) values (2)`;
    await assert.rejects(run(held.handle, text), { code: 'ROWS_REFUSED' });
    await held.release();
    await assertNothingRecorded(fixture);
  });

  testRows('a handle is refused once its lock is released or has recorded', async (fixture) => {
    const { lock, insert, numbers } = fixture;
    const released = await lock();
    const { handle } = released;
    await released.release();
    await assert.rejects(insert(handle, 1), { name: 'RowsError', code: 'ROWS_ENDED' });
    const recording = await lock();
    const used = recording.handle;
    await insert(used, 2);
    await recording.record(0, [next]);
    const open = await lock(); // a handle of an earlier lock does not write in a later transaction
    await assert.rejects(insert(used, 3), { code: 'ROWS_ENDED' });
    await open.release();
    assert.deepEqual(await numbers(), [2]);
  });
}

function read(testRows: RowsTest): void {
  testRows('are not read before they are recorded', async ({ lock, insert, numbers }) => {
    const held = await lock();
    await insert(held.handle, 1);
    const reading = numbers();
    await held.release();
    assert.deepEqual(await reading, []);
  });

  testRows('cannot be written by a reader, whose handle is refused afterwards', async (fixture) => {
    const { recorded, insert } = fixture;
    await assert.rejects(recorded.read((handle) => insert(handle, 1)));
    const kept = await recorded.read((handle) => [handle]);
    await assert.rejects(insert(kept[0], 1), { code: 'ROWS_ENDED' });
    await assertNothingRecorded(fixture);
  });

  testRows('are of kinds that the storage knows', async ({ recorder }) => {
    assert.throws(() => recorder.rows?.({ driver: 'other' }), { code: 'INVALID_STORAGE' });
  });
}
