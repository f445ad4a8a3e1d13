import {
  DownstreamError,
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  type RunnerOptions,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type SystemRunner,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/errors.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { type Deed, Requests, unruly, Works } from '../support/systems/unruly-policies.ts';

type Apps = typeof Requests | typeof Works;
type Start = (options: RunnerOptions) => Promise<SystemRunner<Apps>>;

const inFiles = (): StorageDescription => sqlite({ directory: temporaryDirectory(), synchronous: 'NORMAL' });
const subjects: readonly (readonly [string, Start, () => StorageDescription])[] = [
  ['the single-threaded runner', (options) => SingleThreadedRunner.start(unruly, options), memory],
  ['threads', (options) => MultiThreadedRunner.start(unruly, options), memory],
  ['processes', (options) => MultiprocessRunner.start(unruly, options), inFiles],
  ['stepping', (options) => SteppingSingleThreadedRunner.start(unruly, { ...options, paused: true }), memory],
  [
    'stepping threads',
    (options) => SteppingMultiThreadedRunner.start(unruly, { ...options, paused: true }),
    memory,
  ],
];
const thrown: readonly Deed[] = [
  'a revoked proxy',
  'an error whose message throws',
  'an error whose cause cannot be shown',
  'a value that throws when it is shown',
  'undefined',
  'an error for an aggregate that is not returned',
  'an error for a get that is not awaited',
];

describe.each(subjects)('%s', (_, start, createStorage) => {
  test.each(thrown)('names the notification on which a policy throws %s', async (deed) => {
    await using runner = await start({ storage: createStorage() });
    const asking = runner.get(Requests).ask(deed);
    const { failures } = await rejectionOf(
      asking.then(() => runner.caughtUp()),
      DownstreamError,
    );
    expect(failures.get('works')).toMatchObject({
      code: 'POLICY_FAILED',
      message: expect.stringMatching(
        new RegExp(`failed on notification 1 of 'requests' \\('Asked' of aggregate '${deed}'\\): .`),
      ),
      notificationId: 1,
    });
  });

  test.each<Deed>(['foreign messages', 'an attempt that fails'])('continues after %s', async (deed) => {
    await using runner = await start({ storage: createStorage() });
    await runner.get(Requests).ask(deed);
    await runner.caughtUp();
    expect(await runner.get(Works).log.head()).toBe(1);
    expect((await runner.status()).map(({ lastError }) => lastError)).toEqual([undefined, undefined]);
  });
});
