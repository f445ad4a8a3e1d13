import { describe, it } from 'vitest';
import { query } from '../../../support/servers/postgres.ts';
import { until } from '../../../support/until.ts';
import { CommitScene, changes, keyed, moved, parks, unlisted } from './commit-scene.ts';

describe.concurrent('a commit whose answer is lost', () => {
  it('is found by another try, and recorded once', async ({ expect }) => {
    await using scene = await CommitScene.prepare('cut after');
    const recorder = await scene.open();
    expect(await recorder.record(0, [changes('a', 2), { ...changes('b'), ...moved(0, 7) }])).toBe(3);
    expect(scene.sent).toBe(2);
    expect(await scene.recorded()).toBe('a1 a2 b1');
    expect((await recorder.position(0, 'up')).position).toBe(7);
  });

  it('is found although further answers are lost', async ({ expect }) => {
    await using scene = await CommitScene.prepare('cut after', 'cut after', 'cut before', 'cut after');
    const recorder = await scene.open();
    expect(await recorder.record(0, [changes('a')])).toBe(1);
    expect(await scene.recorded()).toBe('a1');
  });

  it('is found after other writers have recorded more', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const [recorder, rival] = [await scene.open(), await scene.openRival()];
    scene.fate = (time) => (time === 1 ? 'cut after' : 'cut before');
    const recording = recorder.record(0, [{ ...changes('a', 2), ...moved(0, 7) }]);
    await until('it is tried again', () => scene.sent > 1);
    expect(await rival.record(0, [{ ...changes('a', 1, 2), ...moved(7, 9) }, changes('z')])).toBe(4);
    scene.fate = () => 'pass';
    expect(await recording).toBe(2);
    expect(await scene.recorded()).toBe('a1 a2 a3 z1');
  });

  it('is found if it only moved a position', async ({ expect }) => {
    await using scene = await CommitScene.prepare('pass', 'cut after');
    const recorder = await scene.open();
    await recorder.record(0, [changes('a')]);
    expect(await recorder.record(0, [{ events: [], snapshots: [], ...moved(0, 7) }])).toBe(1);
    expect(scene.sent).toBe(3);
    expect((await recorder.position(0, 'up')).position).toBe(7);
  });

  it('is found if its events have no place in the log', async ({ expect }) => {
    await using scene = await CommitScene.prepare('cut after', 'pass', 'cut after');
    const recorder = await scene.open();
    expect(await recorder.record(0, [unlisted(changes('a', 2))])).toBe(0);
    expect(scene.sent).toBe(2);
    expect(await recorder.record(0, [changes('b', 2), unlisted(changes('a', 1, 2))])).toBe(2);
    expect(scene.sent).toBe(4);
    expect(await scene.recorded()).toBe('a3 a2 a1 b1 b2');
  });

  it('is found if it only parked, changed or deleted parked notifications', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open();
    scene.fate = (time) => (time % 2 === 1 ? 'cut after' : 'pass');
    for (const [expected, isKept] of [true, true, false].entries()) {
      const parked = [parks(1, expected, isKept), parks(2, expected, isKept)];
      expect(await recorder.record(0, [{ events: [], snapshots: [], parked }])).toBe(0);
    }
    expect(scene.sent).toBe(6);
    expect(await recorder.countParked?.()).toEqual([]);
    const aside = { events: [], snapshots: [], ...moved(0, 7), parked: [parks(7, 0)] };
    expect(await recorder.record(0, [aside])).toBe(0);
    const retried = { ...changes('a'), parked: [parks(7, 1, false)] };
    expect(await recorder.record(0, [retried])).toBe(1);
    expect([scene.sent, await scene.recorded()]).toEqual([10, 'a1']);
    expect((await recorder.position(0, 'up')).position).toBe(7);
  });

  it('is reported as unknown if another writer has changed what it parked', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const [recorder, rival] = [await scene.open(), await scene.openRival()];
    scene.fate = (time) => (time === 1 ? 'cut after' : 'cut before');
    const parking = recorder.record(0, [
      { events: [], snapshots: [], ...moved(0, 7), parked: [parks(7, 0)] },
    ]);
    const refused = expect(parking).rejects.toMatchObject({
      code: 'STORAGE_OUTCOME_UNKNOWN',
      transient: true,
    });
    await until('it is tried again', () => scene.sent > 1);
    await rival.record(0, [{ events: [], snapshots: [], parked: [parks(7, 1)] }]);
    scene.fate = () => 'pass';
    await refused;
    expect((await recorder.parked?.({ pipelineId: 0, after: 0, limit: 9 }))?.[0]?.revision).toBe(2);
  });

  it('does not conflict with its own key', async ({ expect }) => {
    await using scene = await CommitScene.prepare('cut after', 'pass', 'cut after', 'pass', 'cut after');
    const recorder = await scene.open();
    expect(await recorder.record(0, [{ ...changes('a'), ...keyed('k1') }])).toBe(1);
    expect(await recorder.record(0, [{ events: [], snapshots: [], ...keyed('k2') }])).toBe(1);
    expect(await recorder.record(0, [{ ...unlisted(changes('b')), ...keyed('k3'), ...moved(0, 7) }])).toBe(1);
    expect(scene.sent).toBe(6);
    for (const key of ['k1', 'k2', 'k3']) expect(await recorder.command?.(key)).toEqual(keyed(key).command);
    expect(await scene.recorded()).toBe('b1 a1');
  });

  it('is found by its key after other writers have recorded more', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const [recorder, rival] = [await scene.open(), await scene.openRival()];
    scene.fate = (time) => (time === 1 ? 'cut after' : 'cut before');
    const recording = recorder.record(0, [{ events: [], snapshots: [], ...keyed('k') }]);
    await until('it is tried again', () => scene.sent > 1);
    await expect(rival.record(0, [{ ...changes('a'), ...keyed('k') }])).rejects.toThrow(/'k'/);
    expect(await rival.record(0, [changes('a')])).toBe(1);
    scene.fate = () => 'pass';
    expect(await recording).toBe(1);
    expect(await scene.recorded()).toBe('a1');
  });

  it('is reported as unknown, with the cause, if no connection is possible in time', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open({ retryTimeoutMs: 200 });
    scene.fate = () => {
      scene.proxy.isRefusing = true;
      return 'cut after';
    };
    await expect(recorder.record(0, [changes('a')])).rejects.toMatchObject({
      code: 'STORAGE_OUTCOME_UNKNOWN',
      transient: true,
      message: expect.stringMatching(/'orders' cannot use schema 'test_.*recorded as a whole or not at all/),
      cause: { code: 'STORAGE_UNREACHABLE', cause: expect.any(Error) },
    });
    scene.proxy.isRefusing = false;
    scene.fate = () => 'pass';
    expect(await scene.recorded()).toBe('a1');
    expect(await recorder.record(0, [changes('a', 1, 1)])).toBe(2);
  });
});

describe.concurrent('a commit that never arrives', () => {
  it('is sent again', async ({ expect }) => {
    await using scene = await CommitScene.prepare('cut before', 'cut before');
    const recorder = await scene.open();
    expect(await recorder.record(0, [changes('a')])).toBe(1);
    expect(scene.sent).toBe(3);
    expect(await scene.recorded()).toBe('a1');
  });

  it('is not mistaken for that of another writer with the same event', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const [recorder, rival] = [await scene.open(), await scene.openRival()];
    scene.fate = () => 'cut before';
    const recording = recorder.record(0, [changes('a')]);
    const refused = expect(recording).rejects.toMatchObject({
      code: 'RECORD_CONFLICT',
      applicationName: 'orders',
      originatorId: 'a',
      attemptedVersion: 1,
      currentVersion: 1,
    });
    await until('it is lost', () => scene.sent > 0);
    expect(await rival.record(0, [changes('a')])).toBe(1);
    scene.fate = () => 'pass';
    await refused;
    expect(await scene.recorded()).toBe('a1');
  });

  it('is not mistaken for that of another writer with the same key', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const [recorder, rival] = [await scene.open(), await scene.openRival()];
    scene.fate = () => 'cut before';
    const call = (originatorId: string) => [{ ...changes(originatorId), ...keyed('k') }];
    const refused = expect(recorder.record(0, call('a'))).rejects.toMatchObject({
      code: 'KEY_CONFLICT',
      applicationName: 'orders',
      key: 'k',
    });
    const alone = [{ events: [], snapshots: [], ...keyed('k') }];
    const refusedAlone = expect(recorder.record(0, alone)).rejects.toMatchObject({ code: 'KEY_CONFLICT' });
    await until('it is lost', () => scene.sent > 0);
    expect(await rival.record(0, call('b'))).toBe(1);
    scene.fate = () => 'pass';
    await refused;
    await refusedAlone;
    expect(await scene.recorded()).toBe('b1');
  });

  it('is not reported as unknown if no statement was sent', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open({ retryTimeoutMs: 200 });
    scene.proxy.isRefusing = true;
    scene.proxy.cut();
    await recorder.head(0).catch(() => {}); // finds its connection closed
    await expect(recorder.record(0, [changes('a')])).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(scene.sent).toBe(0);
    scene.proxy.isRefusing = false;
    expect(await recorder.record(0, [changes('a')])).toBe(1);
  });
});

// These wait for the answer until 5 s after the statement time-out of the server.
describe.concurrent('a commit in a silent network', () => {
  const options = { statementTimeoutMs: 100, connectionTimeoutMs: 1_000, retryTimeoutMs: 100 };

  it('is sent again, and refused if the first one arrives late', async ({ expect }) => {
    await using scene = await CommitScene.prepare('hold');
    const recorder = await scene.open(options);
    expect(await recorder.record(0, [changes('a')])).toBe(1);
    expect(scene.sent).toBe(2);
    expect(scene.proxy.open).toBe(1);
    expect(scene.proxy.all).toBe(2);
    scene.proxy.release();
    await until('the server is done with it', () => scene.proxy.all === 1);
    expect(await scene.recorded()).toBe('a1');
    expect(await recorder.record(0, [changes('b')])).toBe(2);
  });

  it('is found if only its answer is delayed', async ({ expect }) => {
    await using scene = await CommitScene.prepare('mute');
    const recorder = await scene.open(options);
    expect(await recorder.record(0, [changes('a')])).toBe(1);
    expect(scene.sent).toBe(2);
    expect(await scene.recorded()).toBe('a1');
  });

  it('times out although the network fell silent while it connected', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open({ ...options, retryTimeoutMs: 0 });
    let held = 0;
    scene.proxy.fate = (text) => {
      if (!text.includes('set_config')) return 'pass';
      held += 1;
      return 'hold';
    };
    scene.proxy.cut();
    await recorder.head(0).catch(() => {}); // may find its connection closed
    await expect(recorder.head(0)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(held).toBeGreaterThan(0);
  });
});

describe.concurrent('a commit on a busy server', () => {
  it('is retried once although one try took longer than retryTimeoutMs', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open({ statementTimeoutMs: 300, retryTimeoutMs: 100 });
    let recording: Promise<number> | undefined;
    await scene.whileLocked(async () => {
      recording = recorder.record(0, [changes('a')]);
      await until('it is sent again', () => scene.sent === 2);
    });
    expect(await recording).toBe(1);
    expect(scene.sent).toBe(2);
  });

  it('is retried for a limited time, then reported with the cause', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open({ statementTimeoutMs: 50, retryTimeoutMs: 300 });
    await scene.whileLocked(async () => {
      const start = performance.now();
      await expect(recorder.record(0, [changes('a')])).rejects.toMatchObject({
        code: 'STORAGE_BUSY',
        cause: { code: '57014' },
      });
      const took = performance.now() - start;
      expect(took).toBeGreaterThan(300);
      expect(took).toBeLessThan(5_000);
    });
    expect(scene.sent).toBeGreaterThan(2);
    expect(await scene.recorded()).toBe('');
  });

  it('is not retried and records nothing if the disk is full', async ({ expect }) => {
    await using scene = await CommitScene.prepare();
    const recorder = await scene.open();
    const { schema } = scene;
    await query(`
      create function ${schema}.fail() returns trigger language plpgsql as $$ begin
        if new.originator_id = 'b' then raise 'no room' using errcode = '53100'; end if;
        return new;
      end $$`);
    await query(
      `create trigger fail before insert on ${schema}.orders_events for each row execute function ${schema}.fail()`,
    );
    const call = [changes('a', 2), { ...changes('b'), ...moved(0, 7) }];
    await expect(recorder.record(0, call)).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      transient: true,
      cause: { code: '53100', message: 'no room' },
    });
    expect(scene.sent).toBe(1);
    expect(await scene.recorded()).toBe('');
    expect((await recorder.position(0, 'up')).position).toBe(0);
    await query(`drop trigger fail on ${schema}.orders_events`);
    expect(await recorder.record(0, call)).toBe(3);
  });
});
