import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidSystemError, KahnError, RemoteError, SingleThreadedRunner, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../support/errors.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { patient } from '../../support/until.ts';
import { shop } from '../modules/shop.ts';

const urlOf = (file: string) => new URL(`../modules/${file}`, import.meta.url).href;

/** The shop, as if this module exported it. */
function shopIn(module: string): typeof shop {
  return System.of([[Orders, Reservations, Orders]], { module });
}

interface Fault {
  readonly what: string;
  readonly system: typeof shop;
  readonly kind: abstract new (...args: never[]) => KahnError;
  readonly code: string;
  readonly message: string;
  /** Text in the stack of the cause. */
  readonly inCause?: string;
  /** Whether the error is found in a worker. */
  readonly isRemote: boolean;
}

const remote = { kind: RemoteError, code: 'SYSTEM_MODULE', isRemote: true };
const died = { kind: KahnError, code: 'DIED', isRemote: true };
const faults: readonly Fault[] = [
  {
    what: 'a system without a module',
    system: System.of([[Orders, Reservations, Orders]]),
    kind: InvalidSystemError,
    code: 'INVALID_SYSTEM',
    message: 'define it by System.of([...], { module: import.meta.url })',
    isRemote: false,
  },
  {
    ...remote,
    what: 'a module that does not exist',
    system: shopIn(urlOf('nowhere.ts')),
    message: 'it cannot be imported: Cannot find module',
  },
  {
    ...remote,
    what: 'a module that only a loader can import',
    system: shopIn(urlOf('foreign/with-enum.ts')),
    message:
      'TypeScript enum is not supported in strip-only mode. Threads and processes import it with Node alone, where loaders ' +
      'such as those of vitest and tsx have no effect: use file extensions in imports and TypeScript that Node can strip, ' +
      'without enums, or compile it to JavaScript.',
  },
  {
    ...remote,
    what: 'a module that exports a system of another copy',
    system: shopIn(urlOf('foreign/other-copy.ts')),
    message: 'it exports a System of another copy of kahn: run `npm ls kahn`, and keep one copy.',
  },
  {
    ...remote,
    what: 'a module that exports no system',
    system: shopIn(urlOf('no-system.ts')),
    message: 'it exports no System that was made by the same copy of kahn. Export it by a name.',
  },
  {
    ...remote,
    what: 'a module that exports two systems of one name',
    system: shopIn(urlOf('two-of-a-name.ts')),
    message: 'it exports two systems of this name. Give them different names',
  },
  {
    ...remote,
    what: 'a module that exports a system of another name',
    system: shopIn(urlOf('other-name.ts')),
    message: "it exports no System of this name, only 'shop'",
  },
  {
    ...remote,
    what: 'a module whose system has other pipelines',
    system: shopIn(urlOf('other-graph.ts')),
    message: 'has other applications or events than the one that was started',
  },
  {
    ...remote,
    what: 'a module that throws in a thread',
    system: shopIn(urlOf('throws-in-threads.ts')),
    message: 'it cannot be imported: there is no screen in this thread',
    inCause: 'modules/throws-in-threads.ts:5',
  },
  {
    ...remote,
    what: 'a module that starts a runner, and catches the refusal',
    system: shopIn(urlOf('starts-when-imported.ts')),
    message: 'Move the system to a module that starts nothing',
  },
  {
    ...died,
    what: 'a module that exits',
    system: shopIn(urlOf('exits-in-threads.ts')),
    message: 'died: exited with code 3',
  },
  {
    ...died,
    what: 'a module that leaves an error uncaught',
    system: shopIn(urlOf('dies-in-threads.ts')),
    message: 'died: not caught anywhere',
    inCause: 'modules/dies-in-threads.ts:8',
  },
];

describe.each(supervisedSubjects.filter(({ name }) => name.endsWith('sqlite')))(
  'in $name, a start throws a clear error and leaves nothing behind, for',
  ({ kind: workerKind, start, watch }) => {
    const directory = mkdtempSync(join(tmpdir(), 'kahn-'));
    const storage = sqlite({ directory, synchronous: 'NORMAL' });
    afterAll(() => rmSync(directory, { recursive: true }));

    test.each(faults)('$what', async ({ system, kind, code, message, inCause, isRemote }) => {
      let started = 0;
      const workers = watch(() => {
        started += 1;
      });
      const error = await rejectionOf(start(system, { storage }), KahnError);
      expect(workers.size).toBe(0);
      expect(error).toBeInstanceOf(kind);
      expect(error.code).toBe(code === 'DIED' ? `${workerKind.toUpperCase()}_DIED` : code);
      expect(error.message).toContain(message);
      if (inCause !== undefined) expect((error.cause as Error).stack).toContain(inCause);
      expect(started).toBe(isRemote ? 2 : 0);
      // The last connection to a database removes its log when it is closed.
      if (workerKind === 'thread')
        expect(readdirSync(directory).sort()).toEqual(['orders.sqlite', 'reservations.sqlite']);
      await (await SingleThreadedRunner.start(system, { storage })).close();
    });

    test('no fault: the system runs on the same storage', async () => {
      await using runner = await start(shop, { storage });
      const id = await runner.get(Orders).place('ada');
      await runner.caughtUp();
      expect((await runner.get(Orders).get(id)).reservationId).toBeDefined();
    });

    test('an abort during the start', async () => {
      const system = shopIn(urlOf('hangs-in-threads.ts'));
      const workers = watch();
      const controller = new AbortController();
      const starting = start(system, { storage, signal: controller.signal });
      await expect.poll(() => workers.size, patient).toBe(2);
      controller.abort(new Error('no time'));
      await expect(starting).rejects.toThrow('no time');
      expect(workers.size).toBe(0);
      await (await SingleThreadedRunner.start(system, { storage })).close();
    });
  },
);
