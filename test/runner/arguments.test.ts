import {
  Application,
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  ProcessApplication,
  run,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type System,
} from 'kahn';
import { RestateRunner, RestateService } from 'kahn/restate';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';

type Start = (system: unknown, options?: unknown) => Promise<unknown>;

const runners = [
  SingleThreadedRunner,
  MultiThreadedRunner,
  MultiprocessRunner,
  SteppingSingleThreadedRunner,
  SteppingMultiThreadedRunner,
  RestateRunner,
] as const;
const starts: readonly (readonly [string, Start])[] = [
  ['run()', run as Start],
  ...[...runners, RestateService].map(
    (one) => [`${one.name}.start()`, one.start.bind(one) as Start] as const,
  ),
];
const connectionString = 'postgres://app:secret@db.example/app';

describe.each(starts)('%s', (name, start) => {
  test.each<[string, unknown, string]>([
    ['pipelines', [[Orders, Reservations]], 'an array'],
    ['nothing', undefined, 'undefined'],
    ['a class', Orders, 'a function'],
    ['a storage', memory(), 'an object'],
  ])('takes a system, not %s', async (_, system, kind) => {
    await expect(start(system)).rejects.toThrow(
      `${name} takes a system, the result of System.of([[Orders, Reservations]]), not ${kind}.`,
    );
  });

  test('takes an object of options', async () => {
    await expect(start(shop, null)).rejects.toThrow(
      new RegExp(`^${RegExp.escape(name)} takes an object.*, not null\\.$`),
    );
    await expect(start(shop, 'sqlite')).rejects.toThrow(/takes an object.*, not a string\.$/);
    await expect(start(shop, memory())).rejects.toThrow(
      `${name} takes an object of options: pass the storage as { storage: … }.`,
    );
  });

  test.each([
    ['null', null, 'null'],
    ['a function', memory, 'a function'],
    ['a description without options', { module: 'file:///storage.js', options: null }, 'an object'],
    ['options that are an array', { module: 'file:///storage.js', options: [] }, 'an object'],
    ['a connection string, which it does not show', connectionString, 'a string'],
  ])('rejects storage that is %s', async (_, storage, kind) => {
    await expect(start(shop, { storage })).rejects.toThrow(
      `Expected option 'storage' of ${name} to be the result of memory(), sqlite({ … }) or postgres({ … }), got ${kind}.`,
    );
  });
});

test.each([...runners])('%o is started, not constructed', (runner) => {
  const construct = runner as unknown as new (system?: System) => unknown;
  for (const create of [() => new construct(), () => new construct(shop)]) {
    expect(create).toThrow(`Start a runner with await ${runner.name}.start(system), not with new.`);
  }
});

test('a service is started, not constructed', () => {
  const construct = RestateService as unknown as new () => unknown;
  expect(() => new construct()).toThrow(
    'Start a service with await RestateService.start(system), not with new.',
  );
});

test.each([SingleThreadedRunner, SteppingSingleThreadedRunner, MultiThreadedRunner])(
  '%o checks the options of its waits',
  async (runner) => {
    await using running = await runner.start(shop.bind(memory()));
    const caughtUp = (options: unknown) => running.caughtUp(options as object);
    await expect(caughtUp(null)).rejects.toThrow('caughtUp() takes an object, not null.');
    await expect(caughtUp({ signal: 1 })).rejects.toThrow(
      "Expected option 'signal' of caughtUp() to be an AbortSignal, got 1.",
    );
    await expect(caughtUp({ timeoutMs: 1 })).rejects.toThrow("Unknown option 'timeoutMs' of caughtUp().");
    if (!(running instanceof SteppingSingleThreadedRunner)) return;
    await expect(running.stepUntil(true as never)).rejects.toThrow(
      'Expected the condition of stepUntil() to be a function, got a boolean.',
    );
  },
);

class Plain extends Application {
  static readonly applicationName = 'plain';
  static readonly emits = [];
}

test('an application rejects a listener that is no function', async () => {
  await using plain = await Plain.open({ storage: memory() });
  expect(() => plain.subscribe(undefined as never)).toThrow(
    'Expected the listener of subscribe() to be a function, got undefined.',
  );
});

test.each<[string, object, string]>([
  ['an unknown option', { batchSize: 1 }, "Unknown option 'batchSize' of ProcessApplication.run()."],
  ['no batch', { batches: 0 }, 'to be an integer >= 1, got 0'],
  ['half a notification', { upTo: 1.5 }, 'to be an integer >= 0, got 1.5'],
  ['an upstream that is no name', { upstreamName: 7 }, 'to be the name of an upstream, got 7'],
])('run() of a process application rejects %s', async (_, options, message) => {
  await using orders = await Orders.open({ storage: memory() });
  expect(orders).toBeInstanceOf(ProcessApplication);
  await expect(orders.run(options)).rejects.toThrow(message);
});

test.each<[string, string, string]>([
  ['a module that is missing', 'file:///nowhere/storage.js', 'cannot be imported: Cannot find module'],
  ['a module without openStorage()', 'data:text/javascript,', 'exports no openStorage(). Export it.'],
  [
    'a module that opens nothing',
    'data:text/javascript,export const openStorage = async () => {}',
    'to resolve with an object with openRecorder() and close(), got undefined.',
  ],
  [
    'a module that opens something else',
    'data:text/javascript,export const openStorage = async () => ({ openRecorder() {} })',
    'to resolve with an object with openRecorder() and close(), got an object.',
  ],
])('a storage of %s is refused', async (_, module, message) => {
  const opening = run(shop, { storage: { module, options: {} } });
  await expect(opening).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
    message: expect.stringContaining(message),
  });
});

test('get() refuses a pipeline that is null', async () => {
  await using runner = await run(shop.bind(memory()));
  expect(() => runner.get(Orders, null as never)).toThrow('Expected a pipeline id to be an integer');
});
