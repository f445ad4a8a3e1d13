import { ResourceError, type System, type SystemRunner } from 'kahn';
import { beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';
import { notesByOpener } from '../../support/systems/with-resources/journal.ts';
import { Customers, type Letters, letters } from '../../support/systems/with-resources/letters.ts';
import { inTime } from '../../support/until.ts';
import { lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import type { Apps, RunnerSubject } from './subject.ts';

const opened = ['open desk', 'open mail'];
const closed = ['close mail', 'close desk'];
const isSend = (what: string) => what.startsWith('send');

/** Resources of the system, which live as long as the runner. */
export function resources({ start: startAny, createStorage, isFirstStorage }: RunnerSubject): void {
  const start = async (signal?: AbortSignal) =>
    (await startAny(letters as unknown as System<Apps>, {
      storage: createStorage(),
      ...(signal && { signal }),
    })) as unknown as SystemRunner<typeof Customers | typeof Letters>;

  beforeEach(() => storeFlagsIn(temporaryDirectory()));

  test('resources are opened in order before applications run, and closed in reverse order after them', async () => {
    {
      await using runner = await start();
      for (const notes of notesByOpener()) expect(notes).toEqual(opened);
      for (const name of ['ada', 'bob']) await runner.get(Customers).join(name);
      await runner.caughtUp();
    }
    const all = notesByOpener();
    for (const notes of all) {
      expect(notes.slice(0, 2)).toEqual(opened);
      expect(notes.slice(2, -2).every(isSend)).toBe(true);
      expect(notes.slice(-2)).toEqual(closed);
    }
    expect(all.flat().filter(isSend)).toEqual(['send Dear ada', 'send Dear bob']);
  });

  if (!isFirstStorage) return;

  test('a resource that fails to open fails the start, and what was opened is closed', async () => {
    raise('fail');
    await expect(start()).rejects.toMatchObject({
      code: 'RESOURCE_FAILED',
      resourceName: 'mail',
      message: "Resource 'mail' cannot be opened: no stamps",
    });
    for (const notes of notesByOpener()) expect(notes).toEqual([...opened, 'close desk']);
    lower('fail');
    await (await start()).close();
  });

  test('an aborted start aborts the opening of resources', async () => {
    raise('hang');
    const abort = new AbortController();
    const starting = start(AbortSignal.any([abort.signal, inTime()]));
    starting.catch(() => {});
    const reason = new Error('no time');
    const waiting = setInterval(() => {
      if (notesByOpener().flat().includes('open mail')) abort.abort(reason);
    }, 5);
    await expect(starting).rejects.toBe(reason);
    clearInterval(waiting);
    expect(notesByOpener()).toEqual([[...opened, 'aborted', 'close desk']]);
    expect(reason).not.toBeInstanceOf(ResourceError);
  });
}
