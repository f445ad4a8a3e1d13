import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { notesByOpener } from '../../support/systems/with-resources/journal.ts';
import { Customers, Letters, letters, place } from '../../support/systems/with-resources/letters.ts';
import { inTime, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';

const opened = ['open desk', 'open mail'];
const closed = ['close mail', 'close desk'];

beforeEach(() => {
  storeFlagsIn(temporaryDirectory());
  place.isWorker = false;
});

describe.each(supervisedSubjects)('resources of $name', ({ start: startOn, create, watch }) => {
  const start = async (signal: AbortSignal = inTime()) => {
    const runner = await startOn(letters.bind(create()), { signal });
    onTestFinished(() => runner.close());
    return runner;
  };

  test('a resource that fails to open in a worker fails the start, and everything is closed', async () => {
    raise('fail in worker');
    const workers = watch();
    await expect(start()).rejects.toMatchObject({ code: 'RESOURCE_FAILED', resourceName: 'mail' });
    expect(workers.size).toBe(0);
    expect(notesByOpener()).toEqual([
      [...opened, ...closed],
      [...opened, 'close desk'],
    ]);
  });

  test('a resource that fails to open in the worker of a paused application fails the start, and leaves the pause', async () => {
    const storage = create();
    const because = { by: 'ada', reason: 'a test' };
    {
      await using runner = await startOn(letters.bind(storage), { signal: inTime() });
      await runner.pause(Letters, because);
    }
    raise('fail in worker');
    const workers = watch();
    await expect(startOn(letters.bind(storage), { signal: inTime() })).rejects.toMatchObject({
      code: 'RESOURCE_FAILED',
    });
    expect(workers.size).toBe(0);
    expect(notesByOpener()).toEqual([...Array(3).fill([...opened, ...closed]), [...opened, 'close desk']]);
    lower('fail in worker');
    await using runner = await startOn(letters.bind(storage), { signal: inTime() });
    expect((await runner.status())[1]?.state).toBe('paused');
    await runner.get(Customers).join('ada');
    expect(await runner.resume(Letters, because)).toBe(true);
    await runner.caughtUp({ signal: inTime() });
    expect(await runner.get(Letters).log.head()).toBe(1);
  });

  test('an aborted start ends workers whose resources are not open', async () => {
    raise('hang in worker');
    const workers = watch();
    const abort = new AbortController();
    const starting = start(abort.signal);
    starting.catch(() => {});
    await until('the worker hangs', () => notesByOpener().length === 2 && notesByOpener()[1]!.length === 2);
    abort.abort(new Error('no time'));
    await expect(starting).rejects.toThrow('no time');
    expect(workers.size).toBe(0);
    expect(notesByOpener()[0]).toEqual([...opened, ...closed]);
  });

  test('a resource that a worker cannot close is reported, and the others are closed', async () => {
    raise('fail to close in worker');
    const events = watchRunners();
    await (await start()).close();
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'failed',
        applicationName: 'letters',
        error: expect.objectContaining({ code: 'RESOURCE_FAILED', resourceName: 'mail' }),
      }),
    );
    expect(notesByOpener()).toEqual(Array(2).fill([...opened, ...closed]));
  });

  test('a worker that is started again opens its resources again, as soon as it can', async () => {
    const runner = await start();
    await runner.get(Customers).join('ada');
    await runner.caughtUp({ signal: inTime() });
    raise('fail in worker');
    raise('crash');
    await runner.get(Customers).join('bob');
    const stateOf = async () => (await runner.status())[1]!;
    await until('the worker is interrupted', async () => (await stateOf()).state === 'interrupted');
    expect((await stateOf()).lastError).toMatchObject({ code: 'RESOURCE_FAILED', resourceName: 'mail' });
    const failed = () => notesByOpener().filter((notes) => notes.length === 3).length;
    await until('it has tried again', () => failed() > 1);
    lower('fail in worker');
    await runner.caughtUp({ signal: inTime() });
    await runner.close();
    const all = notesByOpener();
    expect(all[0]).toEqual([...opened, ...closed]);
    expect(all[1]).toEqual([...opened, 'send Dear ada']); // the worker crashed
    for (const notes of all.slice(2, -1)) expect(notes).toEqual([...opened, 'close desk']);
    expect(all.at(-1)).toEqual([...opened, 'send Dear bob', ...closed]);
  });

  test('close() also ends a worker that is opening its resources again', async () => {
    const runner = await start();
    raise('hang in worker');
    raise('crash');
    await runner.get(Customers).join('ada');
    await until('a new worker hangs', () => notesByOpener()[2]?.length === 2);
    await runner.close();
    expect(notesByOpener()[2]).toEqual([...opened, 'aborted', 'close desk']);
  });
});
