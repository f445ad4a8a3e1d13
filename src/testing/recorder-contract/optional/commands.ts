import assert from 'node:assert/strict';
import type { ProcessEvent, Recorder, StoredCommand } from '../../../storage/index.ts';
import { longNames, unusualNames } from '../extremes.ts';
import { event, processEvent, snapshot, tracked, versions } from '../fixture.ts';
import type { Test, TestedStorage } from '../tested-storage.ts';

type CommandRecorder = Recorder & Required<Pick<Recorder, 'command' | 'deleteCommands'>>;
type CommandTest = (
  name: string,
  body: (recorder: CommandRecorder, other: CommandRecorder, storage: TestedStorage) => Promise<void>,
) => void;

/** Commands with idempotency keys. */
export function commands(test: Test): void {
  const testCommands: CommandTest = (name, body) =>
    test(name, async (storage) => {
      const open = async () => (await storage.open()) as CommandRecorder;
      await body(await open(), await open(), storage);
    });
  recording(testCommands);
  conflicts(testCommands);
  concurrency(testCommands);
  expiry(testCommands);
}

function command(key: string, timestamp = 1_700_000_000_000): StoredCommand {
  return {
    key,
    timestamp,
    fingerprint: `of ${key} 注文`,
    outcome: JSON.stringify({ key, 'é "x"\x1f🛒': null }),
  };
}

/** Creates a process event that records a command. */
function commanded(key: string, ...events: ProcessEvent['events']): ProcessEvent {
  return { ...processEvent(...events), command: command(key) };
}

/** Recording with everything else of a call, and reading. */
function recording(test: CommandTest): void {
  test('are recorded with everything else of a call', async (recorder, other, storage) => {
    assert.equal(await recorder.command('k1'), undefined);
    const operation = { timestamp: 1, kind: 'reposition', by: 'ada', reason: '', details: '{}' };
    const whole = { ...tracked('up', 0, 3, event('a', 1)), snapshots: [snapshot('a', 1)], operation };
    assert.equal(await recorder.record(3, [{ ...whole, command: command('k1') }]), 1);
    assert.equal(await other.record(0, [commanded('k2')]), 0);
    const two = [commanded('k3', event('b', 1)), processEvent(event('b', 2)), commanded('k4', event('c', 1))];
    assert.equal(await other.record(3, two), 4);
    for (const one of [recorder, other]) {
      for (const key of ['k1', 'k2', 'k3', 'k4']) assert.deepEqual(await one.command(key), command(key));
      assert.deepEqual([await one.command('k'), await one.command('K1')], [undefined, undefined]);
      assert.deepEqual([await one.head(3), (await one.position(3, 'up')).position], [4, 3]);
      assert.deepEqual(await one.operations(0, 10), [{ id: 1, ...operation }]);
      assert.deepEqual(await versions(one, { originatorId: 'a' }), [1]);
    }
    await recorder.close();
    const again = (await storage.open('orders', false)) as CommandRecorder;
    assert.deepEqual(await again.command('k3'), command('k3'));
  });

  test('belong to one application', async (recorder, _other, storage) => {
    const payments = (await storage.open('payments')) as CommandRecorder;
    await recorder.record(0, [commanded('k')]);
    assert.equal(await payments.command('k'), undefined);
    await payments.record(0, [commanded('k', event('a', 1))]);
    assert.equal(await payments.deleteCommands(Number.MAX_SAFE_INTEGER, 10), 1);
    assert.deepEqual(await recorder.command('k'), command('k'));
  });

  test('may have unusual and long keys, and outcomes of a megabyte', async (recorder, other) => {
    const keys = [...unusualNames, ...longNames];
    await recorder.record(
      0,
      keys.map((key) => commanded(key)),
    );
    for (const key of keys) assert.deepEqual(await other.command(key), command(key));
    const large = { ...command('large'), outcome: JSON.stringify('é'.repeat(500_000)) };
    await recorder.record(0, [{ ...processEvent(event('a', 1)), command: large }]);
    assert.deepEqual(await other.command('large'), large);
  });

  test('may be thousands in a call', async (recorder, other) => {
    const calls = Array.from({ length: 3_000 }, (_, index) => commanded(`k${index}`, event(`a${index}`, 1)));
    assert.equal(await recorder.record(0, calls), 3_000);
    assert.deepEqual(await other.command('k2999'), command('k2999'));
    const repeated = [...calls.slice(0, 1).map(({ command }) => ({ ...processEvent(), command }))];
    await assert.rejects(other.record(0, repeated as ProcessEvent[]), { code: 'KEY_CONFLICT', key: 'k0' });
  });
}

/** Calls that record() rejects. */
function conflicts(test: CommandTest): void {
  test('a recorded key is rejected, with the whole call', async (recorder, other) => {
    await recorder.record(0, [{ ...tracked('up', 0, 3, event('a', 1)), command: command('k') }]);
    const rejected = {
      name: 'KeyConflictError',
      code: 'KEY_CONFLICT',
      applicationName: 'orders',
      key: 'k',
    };
    const around = [
      { ...tracked('up', 3, 4, event('a', 2)), snapshots: [snapshot('a', 2)], command: command('before') },
      commanded('k', event('b', 1)),
      commanded('after', event('b', 2)),
    ];
    for (const one of [recorder, other]) {
      for (const pipelineId of [0, 1]) {
        await assert.rejects(one.record(pipelineId, [commanded('k')]), rejected);
        await assert.rejects(one.record(pipelineId, [commanded('k', event('b', 1))]), rejected);
      }
      await assert.rejects(one.record(0, around), rejected);
      assert.deepEqual([await one.head(0), await one.head(1)], [1, 0]);
      assert.deepEqual(await versions(one, { originatorId: 'b' }), []);
      assert.deepEqual([await one.command('before'), await one.command('after')], [undefined, undefined]);
      assert.deepEqual([(await one.position(0, 'up')).position, await one.command('k')], [3, command('k')]);
    }
    assert.equal(await other.record(0, around.with(1, processEvent(event('b', 1)))), 4);
  });

  test('a key that occurs twice in a call is rejected', async (recorder) => {
    for (const call of [
      [commanded('k'), commanded('k')],
      [commanded('k', event('a', 1)), commanded('other', event('b', 1)), commanded('k', event('c', 1))],
    ]) {
      await assert.rejects(recorder.record(0, call), { code: 'KEY_CONFLICT', key: 'k' });
    }
    assert.deepEqual([await recorder.head(0), await recorder.command('k')], [0, undefined]);
    assert.equal(await recorder.record(0, [commanded('k', event('a', 1))]), 1);
  });

  test('a key conflict comes before conflicts of versions and positions', async (recorder, other) => {
    await recorder.record(0, [{ ...tracked('up', 0, 3, event('a', 1)), command: command('k') }]);
    for (const conflicting of [
      commanded('k', event('a', 1)),
      commanded('k', event('a', 9)),
      { ...tracked('up', 0, 1), command: command('k') },
      { ...tracked('up', 0, 1, event('a', 1)), command: command('k') },
    ]) {
      for (const call of [
        [conflicting],
        [conflicting, processEvent(event('a', 1))],
        [processEvent(event('a', 1)), tracked('up', 0, 2), conflicting],
      ])
        await assert.rejects(other.record(0, call), { code: 'KEY_CONFLICT', key: 'k' });
    }
    const twice = [commanded('new', event('a', 1)), commanded('new')];
    await assert.rejects(other.record(0, twice), { code: 'KEY_CONFLICT', key: 'new' });
  });

  test('a call that is rejected by another conflict leaves its key free', async (recorder) => {
    await recorder.record(0, [tracked('up', 0, 3, event('a', 1))]);
    await assert.rejects(recorder.record(0, [commanded('k', event('a', 1))]), { code: 'RECORD_CONFLICT' });
    const moved = { ...tracked('up', 0, 4), command: command('k') };
    await assert.rejects(recorder.record(0, [moved]), { code: 'POSITION_CONFLICT' });
    assert.equal(await recorder.command('k'), undefined);
    assert.equal(await recorder.record(0, [commanded('k', event('a', 2))]), 2);
  });
}

/** Several writers. */
function concurrency(test: CommandTest): void {
  test('of concurrent calls with one key, exactly one is recorded', async (recorder, other) => {
    const writers = [recorder, other];
    const calls = Array.from({ length: 40 }, async (_, index) => {
      const key = `k${index % 5}`;
      const own = { ...command(key), outcome: JSON.stringify(index) };
      const process = { ...processEvent(event(`a${index}`, 1)), command: own };
      const result = await writers[index % 2]?.record(0, [process]).catch(({ code }) => code as string);
      return { key, own, result };
    });
    const results = await Promise.all(calls);
    const recorded = results.filter(({ result }) => typeof result === 'number');
    assert.deepEqual(recorded.map(({ key }) => key).toSorted(), ['k0', 'k1', 'k2', 'k3', 'k4']);
    assert.equal(results.filter(({ result }) => result === 'KEY_CONFLICT').length, 35);
    for (const one of writers) {
      assert.equal(await one.head(0), 5);
      for (const { key, own } of recorded) assert.deepEqual(await one.command(key), own);
    }
  });

  test('are recorded under the write lock', async (recorder, other) => {
    if (recorder.lock === undefined) return;
    const lock = await recorder.lock();
    const waiting = other.record(0, [commanded('k', event('b', 1))]);
    assert.equal(await lock.record(0, [commanded('k', event('a', 1))]), 1);
    await assert.rejects(waiting, { code: 'KEY_CONFLICT', key: 'k' });
    const again = await recorder.lock();
    await assert.rejects(again.record(0, [commanded('k', event('a', 2))]), { code: 'KEY_CONFLICT' });
    assert.equal(await other.record(0, [processEvent(event('b', 1))]), 2);
  });
}

/** Deletion of old commands. */
function expiry(test: CommandTest): void {
  test('are deleted before a time, the oldest first', async (recorder, other) => {
    assert.equal(await recorder.deleteCommands(Number.MAX_SAFE_INTEGER, 10), 0);
    const times = [50, 10, 40, 10, 30, -20, 8.64e15];
    const call = times.map((time, index) => ({ ...processEvent(), command: command(`k${index}`, time) }));
    await recorder.record(0, call);
    const kept = async (): Promise<number[]> => {
      const found = await Promise.all(times.map((_, index) => other.command(`k${index}`)));
      return found.flatMap((one) => one?.timestamp ?? []).toSorted((a, b) => a - b);
    };
    assert.deepEqual([await other.deleteCommands(-20, 10), await other.deleteCommands(50, 0)], [0, 0]);
    assert.equal(await other.deleteCommands(40, 2), 2);
    assert.deepEqual(await kept(), [10, 30, 40, 50, 8.64e15]);
    assert.equal(await recorder.deleteCommands(40, Number.MAX_SAFE_INTEGER), 2);
    assert.deepEqual(await kept(), [40, 50, 8.64e15]);
    assert.equal(await other.deleteCommands(Number.MAX_SAFE_INTEGER, 10), 3);
    assert.deepEqual([await kept(), await recorder.deleteCommands(51, 10)], [[], 0]);
  });

  test('leave their keys free when they are deleted', async (recorder, other) => {
    await recorder.record(0, [commanded('k', event('a', 1)), commanded('other')]);
    const before = command('k').timestamp + 1;
    const counts = await Promise.all([
      recorder.deleteCommands(before, 10),
      other.deleteCommands(before, 10),
      recorder.deleteCommands(before, 10),
    ]);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      2,
    );
    assert.equal(await other.record(0, [commanded('k', event('a', 2))]), 2);
    await assert.rejects(recorder.record(0, [commanded('k')]), { code: 'KEY_CONFLICT' });
    assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1, 2]);
  });

  test('are neither read nor deleted by a closed recorder', async (recorder) => {
    await recorder.close();
    const closed = { name: 'StorageError', code: 'STORAGE_CLOSED', applicationName: 'orders' };
    await assert.rejects(recorder.command('k'), closed);
    await assert.rejects(recorder.deleteCommands(0, 1), closed);
  });
}
