import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { OpenFiles } from '../../../src/storage/sqlite/connection/open-files.ts';
import { recordingIn, SqliteRecorder } from '../../../src/storage/sqlite/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import type { StoredNotification } from '../../../src/storage/stored-event.ts';
import { assertSound } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { oneFile, sqliteLayouts } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { inTime } from '../../support/until.ts';
import type { Message } from './child.ts';

describe.each(byTier([oneFile], sqliteLayouts))(
  'sqlite({ $name })',
  ({ name: layout, optionsIn, fileOf }) => {
    let directory: string;
    let file: string;
    let recorders: Recorder[];
    let children: ChildProcess[];

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'kahn-sqlite-'));
      file = fileOf(directory, 'orders').path;
      recorders = [];
      children = [];
    });

    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const recorder of recorders) await recorder.close();
      await rm(directory, { recursive: true });
    });

    async function openOrders({
      setupTables = true,
      where = directory,
      ...options
    }: OpenApplicationOptions = {}): Promise<Recorder> {
      const storage = await openStorage(sqlite({ ...optionsIn(where), synchronous: 'NORMAL', ...options }));
      const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables });
      recorders.push(recorder);
      return recorder;
    }
    interface OpenApplicationOptions {
      where?: string;
      busyTimeoutMs?: number;
      setupTables?: boolean;
    }

    function changes(originatorId: string, count: number, data = '{"some":"data"}'): ProcessEvent {
      const events = Array.from({ length: count }, (_, index) => ({
        originatorId,
        originatorVersion: index + 1,
        type: 'Changed',
        data,
        timestamp: 1_700_000_000_000,
      }));
      return { events, snapshots: [] };
    }

    async function readAll(recorder: Recorder): Promise<readonly StoredNotification[]> {
      return recorder.notifications(0, 0, 1_000_000);
    }

    async function startChild(task: string, where = directory): Promise<ChildProcess> {
      const child = fork(new URL('./child.ts', import.meta.url), [task, layout, where], {
        execArgv: ['--conditions=kahn-source'],
      });
      children.push(child);
      expect(await nextMessage(child)).toBe('ready');
      return child;
    }

    async function nextMessage(child: ChildProcess): Promise<Message> {
      const [message] = await once(child, 'message', { signal: inTime() });
      return message;
    }

    /** Runs the task in a child process and resolves with its last message. */
    async function inChild(task: string, where = directory): Promise<Message> {
      const child = await startChild(task, where);
      const answer = nextMessage(child);
      child.send('go');
      return answer;
    }

    describe('opening', () => {
      it('rejects a missing directory and says to create it', async () => {
        const missing = join(directory, 'missing');
        const message = expect.stringMatching(/'orders'.*missing' does not exist\. Create it/);
        await expect(openOrders({ where: missing })).rejects.toMatchObject({
          code: 'STORAGE_MISSING',
          message,
        });
        expect(existsSync(missing)).toBe(false);
      });

      it('rejects a file as directory', async () => {
        await writeFile(join(directory, 'note'), 'text');
        await expect(openOrders({ where: join(directory, 'note') })).rejects.toMatchObject({
          code: 'STORAGE_UNWRITABLE',
          message: expect.stringContaining('is a file'),
        });
      });

      it('creates no file with setupTables: false', async () => {
        await expect(openOrders({ setupTables: false })).rejects.toMatchObject({
          code: 'STORAGE_NOT_SET_UP',
        });
        expect(await readdir(directory)).toEqual([]);
        await writeFile(file, '');
        await expect(openOrders({ setupTables: false })).rejects.toMatchObject({
          code: 'STORAGE_NOT_SET_UP',
        });
        expect((await stat(file)).size).toBe(0);
        await openOrders();
      });

      it('rejects a directory that is not writable', async () => {
        const refused = { code: 'STORAGE_UNWRITABLE', applicationName: 'orders' };
        await expect(openOrders({ where: '/proc' })).rejects.toMatchObject(refused);
      });

      it('rejects a file or directory without permission', async () => {
        await chmod(directory, 0o755);
        const open = join(directory, 'open');
        const closed = join(directory, 'closed');
        for (const path of [open, closed]) await mkdir(path);
        await chmod(open, 0o777);
        await chmod(closed, 0o555);
        expect(await inChild('open', closed)).toMatchObject({ code: 'STORAGE_UNWRITABLE' });
        expect(await inChild('open', open)).toBe('done');
        await chmod(fileOf(open, 'orders').path, 0o444);
        expect(await inChild('open', open)).toMatchObject({ code: 'STORAGE_UNWRITABLE' });
      });

      it('rejects tables of a later release', async () => {
        await (await openOrders()).close();
        using database = new DatabaseSync(file);
        database.exec('pragma user_version = 99');
        await expect(openOrders()).rejects.toMatchObject({ code: 'STORAGE_NEWER' });
        database.exec('pragma user_version = 0');
        await expect(openOrders()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
      });

      it('waits for a writer before it turns on the write-ahead log', async () => {
        await (await openOrders()).close();
        using writer = new DatabaseSync(file);
        writer.exec('pragma journal_mode = delete; begin immediate');
        await expect(openOrders({ busyTimeoutMs: 20 })).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
        const storage = await openStorage(sqlite(optionsIn(directory)));
        const opening = storage.openRecorder({ applicationName: 'orders', setupTables: true });
        writer.exec('commit'); // after the first attempt of the recorder
        const recorder = await opening;
        recorders.push(recorder);
        await recorder.head(0);
        expect(existsSync(`${file}-wal`)).toBe(true);
      });

      it('succeeds in all processes that set up the same files at once', async () => {
        const starting = await Promise.all(Array.from({ length: 4 }, () => startChild('openMany')));
        const answers = starting.map(nextMessage);
        for (const child of starting) child.send('go');
        expect(await Promise.all(answers)).toEqual(['done', 'done', 'done', 'done']);
        for (let number = 0; number < 30; number += 1) {
          const { path, tables } = fileOf(directory, `application-${number}`);
          using database = new DatabaseSync(path, { timeout: 5_000 });
          expect(
            database
              .prepare(`select count(*) as n, max(notification_id) as last from ${tables.events}`)
              .get(),
          ).toEqual({
            n: 4,
            last: 4,
          });
        }
      });
    });

    describe('a foreign file', () => {
      const foreign: Record<string, () => Promise<DatabaseSync | undefined>> = {
        'that is no database': async () => {
          await writeFile(file, 'dear diary, '.repeat(1_000));
          return undefined;
        },
        'that is a short text': async () => {
          await writeFile(file, 'hello');
          return undefined;
        },
        'with tables': async () => withDatabase('create table diary (text)'),
        'with another application id': async () => withDatabase('pragma application_id = 42'),
        'with another application id and a log': async () =>
          withDatabase('pragma journal_mode = wal; pragma application_id = 42; create table diary (text)'),
        'with all its tables in the log': async () =>
          withDatabase('pragma journal_mode = wal; create table diary (text)'),
      };

      function withDatabase(sql: string): DatabaseSync {
        const database = new DatabaseSync(file);
        database.exec(sql);
        return database;
      }

      async function contents(): Promise<Record<string, Buffer>> {
        const names = (await readdir(directory)).toSorted();
        return Object.fromEntries(
          await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))])),
        );
      }

      // Both while its program uses it and after.
      it.each(Object.keys(foreign))('%s is rejected and not changed', async (name) => {
        const database = await foreign[name]?.();
        const refused = { code: 'STORAGE_FOREIGN', message: expect.stringContaining(file) };
        for (let round = 0; round < 2; round += 1) {
          const before = await contents();
          await expect(openOrders()).rejects.toMatchObject(refused);
          await expect(openOrders({ setupTables: false })).rejects.toMatchObject(refused);
          expect(await contents()).toEqual(before);
          if (database?.isOpen) database.close();
        }
      });

      it('that is a directory is rejected', async () => {
        await mkdir(file);
        await expect(openOrders()).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' });
      });
    });

    describe('a damaged file', () => {
      beforeEach(async () => {
        const recorder = await openOrders();
        await recorder.record(0, [changes('a', 5_000)]);
        await recorder.close();
      });

      it('is reported when the damaged part is read', async () => {
        const { size } = await stat(file);
        const handle = await open(file, 'r+');
        await handle.write(Buffer.alloc(size >> 2, 0xa5), 0, size >> 2, size >> 1);
        await handle.close();
        const reading = openOrders().then(readAll);
        await expect(reading).rejects.toMatchObject({
          code: 'STORAGE_CORRUPT',
          message: expect.stringContaining(file),
        });
      });

      it('is reported when a truncated file is opened', async () => {
        await truncate(file, 10_000);
        await expect(openOrders()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' });
      });
    });

    describe('recording', () => {
      it('on a full disk changes nothing, and works again once there is room', async () => {
        await (await openOrders()).close();
        const database = new DatabaseSync(file);
        const files = new OpenFiles({ busyTimeoutMs: 5_000, synchronous: 'NORMAL' });
        const orders = fileOf(directory, 'orders');
        const recorder = new SqliteRecorder(files.startSession(recordingIn(orders), database));
        recorders.push(recorder);
        await recorder.record(0, [changes('a', 2)]);
        const { page_count: pages } = database.prepare('pragma page_count').get() as { page_count: number };
        database.exec(`pragma max_page_count = ${pages + 4}`);
        const tracking = { upstreamName: 'up', expected: 0, position: 1 };
        const big = { ...changes('b', 50, JSON.stringify('x'.repeat(2_000))), tracking };
        const full = {
          code: 'STORAGE_FULL',
          transient: true,
          message: expect.stringContaining('Nothing of this call'),
        };
        await expect(recorder.record(0, [changes('c', 1), big])).rejects.toMatchObject(full);
        expect(await readAll(recorder)).toHaveLength(2);
        expect((await recorder.position(0, 'up')).position).toBe(0);
        await expect(recorder.record(0, [big])).rejects.toMatchObject(full);
        database.exec('pragma max_page_count = 100000');
        expect(await recorder.record(0, [changes('c', 1), big])).toBe(53);
      });

      it('waits for other writers until busyTimeoutMs, and does not block reads', async () => {
        const recorder = await openOrders({ busyTimeoutMs: 100 });
        using other = new DatabaseSync(file);
        other.exec('begin immediate');
        const start = performance.now();
        const busy = { code: 'STORAGE_BUSY', transient: true, applicationName: 'orders' };
        await expect(recorder.record(0, [changes('a', 1)])).rejects.toMatchObject(busy);
        expect(performance.now() - start).toBeGreaterThan(90);
        expect(await readAll(recorder)).toEqual([]);
        expect(await recorder.record(0, [changes('a', 0)])).toBe(0); // nothing to write
        other.exec('commit');
        expect(await recorder.record(0, [changes('a', 1)])).toBe(1);
      });

      it('keeps everything acknowledged before SIGKILL, and whole process events only', async () => {
        const random = randomNumbers(seed);
        for (let round = 0; round < 6; round += 1) {
          const child = await startChild('recordForever');
          let acknowledged = 0;
          const enough = 1 + Math.floor(random() * 40);
          child.on('message', (message: Message) => {
            if (typeof message !== 'object' || !('acknowledged' in message)) return;
            acknowledged = message.acknowledged;
            if (acknowledged % (enough * 50) === 0) child.kill('SIGKILL');
          });
          child.send('go');
          expect(await once(child, 'exit', { signal: inTime() })).toEqual([null, 'SIGKILL']);
          const recorder = await openOrders({ setupTables: false });
          const position = (await recorder.position(0, 'up')).position;
          expect(position).toBeGreaterThanOrEqual(acknowledged);
          expect(position % 50).toBe(0);
          const all = await readAll(recorder);
          expect(all.map(({ id }) => id)).toEqual(
            Array.from({ length: 3 * position }, (_, index) => index + 1),
          );
          const wrong = all.filter(
            ({ id, originatorId, originatorVersion }) =>
              originatorId !== `${Math.ceil(id / 3)}` || originatorVersion !== ((id - 1) % 3) + 1,
          );
          expect(wrong).toEqual([]);
          await assertSound(sqlite(optionsIn(directory)), System.of([Orders]));
          await recorder.close();
        }
      });

      it('by several processes leaves no gaps and loses no events', async () => {
        const writers = await Promise.all([startChild('recordShared'), startChild('recordShared')]);
        const answers = writers.map(nextMessage);
        for (const writer of writers) writer.send('go');
        expect(await Promise.all(answers)).toEqual(['done', 'done']);
        const all = await readAll(await openOrders());
        expect(all.map(({ id }) => id)).toEqual(Array.from({ length: 1_200 }, (_, index) => index + 1));
        for (const { pid } of writers) {
          const own = all.filter(({ originatorId }) => originatorId === `${pid}`);
          expect(own.map((one) => one.originatorVersion)).toEqual(
            Array.from({ length: 600 }, (_, index) => index + 1),
          );
          // the two events of a process event are adjacent
          expect(own.every((one, index) => index % 2 === 0 || one.id === (own[index - 1]?.id ?? 0) + 1)).toBe(
            true,
          );
        }
      });
    });

    describe('closing', () => {
      it('leaves only the file, with all data', async () => {
        const recorder = await openOrders();
        await recorder.record(0, [changes('a', 3)]);
        const name = basename(file);
        expect((await readdir(directory)).toSorted()).toEqual([name, `${name}-shm`, `${name}-wal`]);
        await recorder.close();
        expect(await readdir(directory)).toEqual([name]);
      });

      // POSIX drops all locks of a process on a file when it closes any descriptor of it. SQLite handles this, node:fs not.
      it.runIf(existsSync('/proc/locks'))('or opening one recorder keeps the locks of another', async () => {
        const recorder = await openOrders();
        await recorder.head(0);
        const { ino } = await stat(file);
        const locks = async (): Promise<number> =>
          (await readFile('/proc/locks', 'utf8'))
            .split('\n')
            .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)).length;
        expect(await locks()).toBeGreaterThan(0);
        await (await openOrders()).close();
        await openOrders({ setupTables: false });
        expect(await locks()).toBeGreaterThan(0);
      });

      it.runIf(existsSync('/proc/self/fd'))(
        'leaves no file open, also after opening has failed',
        async () => {
          const damages = ['foreign', 'newer', 'short'];
          const round = async (): Promise<void> => {
            await (await openOrders()).close();
            for (const where of ['/proc', ...damages.map((name) => join(directory, name))]) {
              await expect(openOrders({ where })).rejects.toThrow();
            }
          };
          await (await openOrders()).close();
          const bytes = await readFile(file);
          const short = bytes.subarray(0, 5_000);
          const newer = Buffer.from(bytes);
          newer.writeUInt32BE(99, 60);
          for (const [name, contents] of Object.entries({ foreign: 'dear diary', newer, short })) {
            await mkdir(join(directory, name));
            await writeFile(fileOf(join(directory, name), 'orders').path, contents);
          }
          await round();
          const before = (await readdir('/proc/self/fd')).length;
          for (let rounds = 0; rounds < 200; rounds += 1) await round();
          expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before);
        },
      );
    });
  },
);
