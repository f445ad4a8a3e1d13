import { Aggregate, type DomainEvent, explain, ProcessApplication, run, System, verify } from 'kahn';
import { remote, type SectionDocument, serveLogs } from 'kahn/http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

type BallEvent = DomainEvent<'Ball.Thrown', { left: number }>;
type SeenEvent = DomainEvent<'Ball.Seen', { left: number; by: string }>;

class Ball extends Aggregate<BallEvent> {
  static throw(left: number, id?: string) {
    return Ball.create('Ball.Thrown', { left }, id);
  }
}
class Sight extends Aggregate<SeenEvent> {}

/** Throws each ball on. Three systems have an application of this name. */
class Players extends ProcessApplication<BallEvent, BallEvent> {
  static readonly applicationName = 'players';
  static readonly emits = ['Ball.Thrown'] as const;
  override readonly policy = this.when({
    'Ball.Thrown': ({ data: { left } }, repository) =>
      left > 0 ? Ball.throw(left - 1, repository.deriveId()) : undefined,
  });
}

class Watchers extends ProcessApplication<SeenEvent, BallEvent> {
  static readonly applicationName = 'watchers';
  static readonly emits = ['Ball.Seen'] as const;
  override readonly policy = this.when({
    'Ball.Thrown': ({ data, originatorId: by }, repository) =>
      Sight.create('Ball.Seen', { left: data.left, by }, repository.deriveId()),
  });
}

const teams = ['red', 'green', 'blue'] as const;

/** Starts three systems of one application each, which follow each other in a circle, and one that watches all of them. */
async function startAll() {
  const urls = new Map<string, TestServer>();
  for (const name of teams) urls.set(name, await TestServer.listen());
  const playersOf = (system: string) =>
    remote(Players, { system, url: urls.get(system)!.url, headers: () => headers });
  const playing = new Map<string, Awaited<ReturnType<typeof play>>>();
  async function play(name: string, upstream: string, storage: (typeof storages)[number]) {
    const system = System.of([[playersOf(upstream), Players]], { name });
    const runner = await run(system, { storage: storage.create() });
    onTestFinished(() => runner.close());
    urls.get(name)!.handler = serveLogs(runner, { applications: [Players], authorize: token });
    return runner;
  }
  playing.set('red', await play('red', 'blue', storages[0]!));
  playing.set('green', await play('green', 'red', storages[1]!));
  playing.set('blue', await play('blue', 'green', storages[0]!));
  const watched = System.of(teams.map((name) => [playersOf(name), Watchers]) as never, { name: 'watchers' });
  const watching = await run(watched as System<typeof Watchers>);
  onTestFinished(() => watching.close());
  return { playing, watching, urls };
}

describe('applications of the same name in three systems that follow each other', () => {
  test('are told apart in causes and explanations', async () => {
    const { playing, watching, urls } = await startAll();
    const red = playing.get('red')!;
    await red.get(Players).save(Ball.throw(5));
    await until('the ball has been thrown', async () => (await watching.get(Watchers).log.head()) === 6);
    for (const name of teams) expect(await playing.get(name)!.get(Players).log.head()).toBe(2);

    // Red's second event follows from one of blue, which is of green: red does not follow green, and is not green.
    const { causes, origin } = await explain(red, Players, 2);
    expect(causes.map(({ applicationName }) => applicationName)).toEqual(['players@blue']);
    expect(origin).toEqual({
      kind: 'elsewhere',
      next: { applicationName: 'players@green', pipelineId: 0, notificationId: 1 },
    });

    const explained = await explain(playing.get('green')!, Players, 2);
    expect(
      explained.causes.map(({ applicationName: name, notificationId }) => [name, notificationId]),
    ).toEqual([['players@red', 2]]);
    expect(explained.origin.next?.applicationName).toBe('players@blue');

    // A system that follows all of them shows the whole chain.
    const seen = await explain(watching, Watchers, 6);
    const chain = seen.causes.map(
      ({ applicationName, notificationId }) => `${applicationName} ${notificationId}`,
    );
    expect(chain).toEqual([
      'players@blue 2',
      'players@green 2',
      'players@red 2',
      'players@blue 1',
      'players@green 1',
      'players@red 1',
    ]);
    expect(seen.origin).toEqual({ kind: 'command' });

    const answer = await fetch(`${urls.get('green')!.url}/players/0/sections/1,20`, { headers });
    const { items } = (await answer.json()) as SectionDocument;
    expect(items.map(({ cause }) => cause)).toMatchObject([
      { applicationName: 'players', system: 'red', notificationId: 1 },
      { applicationName: 'players', system: 'red', notificationId: 2 },
    ]);
    for (const runner of [...playing.values(), watching])
      expect((await verify(runner.storage, runner.system)).faults).toEqual([]);
  });

  test('are followed with causes before effects', async () => {
    const { playing, watching } = await startAll();
    for (const name of teams) await playing.get(name)!.get(Players).save(Ball.throw(20));
    const thrown = 3 * 21;
    await until('all are seen', async () => (await watching.get(Watchers).log.head()) === thrown);
    const lefts = new Map<string, number[]>();
    for await (const { event } of watching.get(Watchers).reader()) {
      const { correlationId = '', data } = event;
      lefts.set(correlationId, [...(lefts.get(correlationId) ?? []), data.left]);
    }
    const falling = Array.from({ length: 21 }, (_, i) => 20 - i);
    expect([...lefts.values()]).toEqual([falling, falling, falling]);
  });
});

test('refuses a system that is its own upstream', () => {
  const own = remote(Players, { system: 'red', url: 'http://127.0.0.1:1/logs' });
  expect(() => System.of([[own, Players]], { name: 'red' })).toThrow(
    "Application 'players@red' of remote() is in the system 'red', which is the name of this system, too",
  );
});

test.each(['', '1', 'a b', 'a@b', 'a/b', 7])('refuses the name %j of a system', (system) => {
  const named = () => remote(Players, { system: system as string, url: 'http://127.0.0.1:1/logs' });
  expect(named).toThrow("option 'system' of remote()");
});
