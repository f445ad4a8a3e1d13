import { runInNewContext } from 'node:vm';
import {
  Aggregate,
  Application,
  type CarryMetadata,
  type Cause,
  type DomainEvent,
  DownstreamError,
  InvalidArgumentError,
  InvalidOptionError,
  memory,
  PolicyError,
  ProcessApplication,
  type RecordedEvent,
  run,
  type SaveOptions,
  type StorageDescription,
  System,
  type SystemOptions,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import { Click, Clicks, Counters } from '../support/systems/clicks.ts';

const provenanceOf = ({ cause, correlationId, metadata }: RecordedEvent) => ({
  cause,
  correlationId,
  metadata,
});

async function recordedIn(application: Application): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const { event } of application.reader()) events.push(event);
  return events;
}

async function causesIn(application: Application): Promise<readonly (number | undefined)[]> {
  return (await recordedIn(application)).map(({ cause }) => cause?.notificationId);
}

type StepEvent = DomainEvent<'Step.Made', { number: number }>;
class Step extends Aggregate<StepEvent> {
  static make(number: number): Step {
    return Step.create('Step.Made', { number });
  }
}

/** Events as the policies got them. */
const handled: RecordedEvent[] = [];

class First extends Application<StepEvent> {
  static readonly applicationName = 'first';
  static readonly emits = ['Step.Made'] as const;
}
class Second extends ProcessApplication<StepEvent, StepEvent> {
  static readonly applicationName: string = 'second';
  static readonly emits = ['Step.Made'] as const;
  override readonly policy = this.when({
    'Step.Made': (event) => {
      handled.push(event);
      return [Step.make(event.data.number + 1), Step.make(event.data.number + 2)];
    },
  });
}
class Third extends Second {
  static override readonly applicationName = 'third';
}
class Fourth extends Second {
  static override readonly applicationName = 'fourth';
}

/** Runs a chain of four applications, saves one event in the first, and returns the last application's events. */
async function lastOfChain(
  storage: StorageDescription,
  options: SystemOptions,
  saveOptions: SaveOptions = {},
) {
  handled.length = 0;
  await using runner = await run(System.of([[First, Second, Third, Fourth]], options), { storage });
  const saved = await runner.get(First).save(Step.make(0), saveOptions);
  await runner.caughtUp();
  return { saved, first: await recordedIn(runner.get(First)), last: await recordedIn(runner.get(Fourth)) };
}

describe.each(storages)('where events come from, on $name', ({ create }) => {
  test('save() resolves with the place and the correlation id of its events', async () => {
    await using clicks = await Clicks.open({ storage: create(), pipelineId: 2 });
    expect(await clicks.save(Click.make('a', 1), Click.make('a', 2), { correlationId: 'c' })).toEqual({
      applicationName: 'clicks',
      pipelineId: 2,
      notificationId: 2,
      count: 2,
      correlationId: 'c',
    });
    const saves = await Promise.all([3, 4, 5].map((number) => clicks.save(Click.make('a', number))));
    expect(saves.map(({ notificationId }) => notificationId)).toEqual([3, 4, 5]);
    expect(new Set(saves.map(({ correlationId }) => correlationId)).size).toBe(3);
    expect(await clicks.save()).toMatchObject({ notificationId: 0, count: 0 });
    const recorded = await recordedIn(clicks);
    expect(recorded.map(({ correlationId }) => correlationId)).toEqual([
      'c',
      'c',
      ...saves.map(({ correlationId }) => correlationId),
    ]);
    expect(recorded.every((event) => !('cause' in event) && !('metadata' in event))).toBe(true);
  });

  test.each([
    ['one batch', 500],
    ['several batches', 4],
  ])('names the cause of every event of a policy, in %s', async (_, batchSize) => {
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using counters = await Counters.open({ storage });
    counters.follow(clicks.log, batchSize);
    const kinds = [1, 0, 1, 1, 0, 0, 1, 1, 1];
    await clicks.save(...kinds.map((kind, i) => (kind ? Click.make(`${i % 2}`, i) : Click.ignored())));
    await counters.run();
    expect(await causesIn(counters)).toEqual([1, 1, 3, 4, 4, 7, 8, 9]);
    expect((await recordedIn(counters))[0]?.cause).toEqual({
      applicationName: 'clicks',
      pipelineId: 0,
      notificationId: 1,
    });
  });

  test('names the causes when a batch is redone after a conflict or a failure', async () => {
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using counters = await Counters.open({ storage });
    await using rivals = await Counters.open({ storage });
    counters.follow(clicks.log);
    await clicks.save(...[1, 2, 3, 4].map((number) => Click.make('a', number)));
    const reached = Promise.withResolvers<void>();
    const touched = Promise.withResolvers<void>();
    counters.meanwhile = async (number) => {
      reached.resolve();
      await touched.promise;
      if (number === 4) throw new RangeError('four');
    };
    const running = rejectionOf(counters.run(), PolicyError);
    await reached.promise;
    await rivals.touch('a'); // outside of the policy, while its batch is under way
    touched.resolve();
    await running;
    expect(await causesIn(counters)).toEqual([undefined, undefined, 1, 2, 3]);
    counters.meanwhile = () => {};
    await counters.run();
    expect(await causesIn(counters)).toEqual([undefined, undefined, 1, 2, 3, 4]);
  });

  test('correlation id and metadata are inherited over three hops', async () => {
    const metadata = { user: 'ada', at: new Date(0), traceparent: '00-1-2-01' };
    const { saved, first, last } = await lastOfChain(
      create(),
      {},
      {
        metadata,
        correlationId: 'order 7',
      },
    );
    expect(saved.correlationId).toBe('order 7');
    expect(first.map(provenanceOf)).toEqual([{ cause: undefined, correlationId: 'order 7', metadata }]);
    const causes: Cause[] = [1, 1, 2, 2, 3, 3, 4, 4].map((notificationId) => ({
      applicationName: 'third',
      pipelineId: 0,
      notificationId,
    }));
    expect(last.map(provenanceOf)).toEqual(
      causes.map((cause) => ({ cause, correlationId: 'order 7', metadata })),
    );
  });

  test('a new correlation id is inherited too, and an absent metadata stays absent', async () => {
    const { saved, last } = await lastOfChain(create(), {});
    expect(new Set(last.map(({ correlationId }) => correlationId))).toEqual(new Set([saved.correlationId]));
    expect(last.every((event) => !('metadata' in event))).toBe(true);
  });

  test('`carryMetadata` selects the metadata that effects carry on', async () => {
    const carryMetadata: CarryMetadata = ({ metadata, type }) =>
      metadata && { hops: Number(metadata.hops ?? 0) + 1, after: type };
    const { first, last } = await lastOfChain(
      create(),
      { carryMetadata },
      {
        metadata: { user: 'ada' },
      },
    );
    expect(first[0]?.metadata).toEqual({ user: 'ada' });
    expect(last.map(({ metadata }) => metadata)).toEqual(
      Array.from({ length: 8 }, () => ({ hops: 3, after: 'Step.Made' })),
    );
    const dropped = await lastOfChain(
      create(),
      { carryMetadata: () => undefined },
      {
        metadata: { user: 'ada' },
      },
    );
    expect(dropped.last.every((event) => !('metadata' in event))).toBe(true);
  });

  test('policies and readers get provenance frozen, with a copy of the metadata', async () => {
    const metadata = { tags: ['a'] };
    const { first, last } = await lastOfChain(create(), {}, { metadata });
    metadata.tags.push('b');
    expect(handled).toHaveLength(1 + 2 + 4);
    for (const event of [...first, ...handled, ...last]) {
      expect(event.metadata).toEqual({ tags: ['a'] });
      expect([event, event.cause, event.metadata, event.metadata?.tags].every(Object.isFrozen)).toBe(true);
    }
    expect(handled.map(({ cause }) => cause?.applicationName)).toEqual([
      undefined,
      ...Array(2).fill('first'),
      ...Array(4).fill('second'),
    ]);
  });
});

test('options of save() may be made in another realm, as by structuredClone in a test of Jest', async () => {
  await using clicks = await Clicks.open({ storage: memory() });
  const options: SaveOptions = runInNewContext("({ metadata: { user: 'ada' } })");
  await clicks.save(Click.make('a', 1), options);
  for await (const { event } of clicks.reader()) expect(event.metadata).toEqual({ user: 'ada' });
});

test('save() names a wrong option, and metadata that cannot be restored', async () => {
  await using clicks = await Clicks.open({ storage: memory() });
  const save = clicks.save.bind(clicks) as (...args: unknown[]) => Promise<unknown>;
  const wrong: [options: unknown, message: string][] = [
    [
      { metdata: {} },
      "Unknown option 'metdata' of save() of application 'clicks'. Did you mean 'metadata'? " +
        'Options: metadata, correlationId, idempotencyKey, request.',
    ],
    [
      { metadata: 'ada' },
      "Expected option 'metadata' of save() of application 'clicks' to be a plain object, got 'ada'.",
    ],
    [
      { correlationId: '' },
      "Expected option 'correlationId' of save() of application 'clicks' to be a non-empty string " +
        "of at most 255 characters, got ''.",
    ],
    [{ correlationId: 'x'.repeat(256) }, 'to be a non-empty string of at most 255 characters'],
  ];
  for (const [options, message] of wrong) {
    const error = await rejectionOf(save(Click.make('a', 1), options), InvalidOptionError);
    expect(error.message).toContain(message);
  }
  const error = await rejectionOf(
    clicks.save(Click.make('a', 1), { metadata: { user: { login: () => {} } } }),
    InvalidArgumentError,
  );
  expect(error.message).toMatch(
    /^Application 'clicks' cannot record the metadata of save\(\)\. .*user\.login/,
  );
  expect(await clicks.log.head()).toBe(0);
});

test('save() takes options that are undefined', async () => {
  await using clicks = await System.of([[Clicks]]).open(Clicks);
  const passOn = (options?: SaveOptions) => clicks.save(Click.make('a', 1), options);
  await expect(passOn()).resolves.toMatchObject({ notificationId: 1, correlationId: expect.any(String) });
  await expect(passOn({ correlationId: 'b', metadata: undefined })).resolves.toMatchObject({
    notificationId: 2,
    correlationId: 'b',
  });
  await rejectionOf(clicks.save(undefined as never), InvalidArgumentError);
});

test('System.of() rejects `carryMetadata` that is no function, and a policy fails with an error of it', async () => {
  const system = (carryMetadata: CarryMetadata) => System.of([[Clicks, Counters]], { carryMetadata });
  expect(() => system({} as never)).toThrow(
    "Expected option 'carryMetadata' of System.of() to be a function, got {}.",
  );
  const wrong: readonly [() => unknown, string][] = [
    [
      () => {
        throw new RangeError('nothing to carry');
      },
      'nothing to carry',
    ],
    [() => ({ nothing: () => 'to carry' }), 'nothing'],
    [() => 'ada', 'Expected carryMetadata to return a plain object or undefined, got a string.'],
    [() => null, 'got null.'],
    [() => ['ada'], 'got an array.'],
    [() => new Date(0), 'got an instance of a class.'],
    [async () => ({}), 'got a promise: await it.'],
  ];
  for (const [carryMetadata, message] of wrong) {
    await using runner = await run(system(carryMetadata as CarryMetadata));
    const error = await rejectionOf(runner.get(Clicks).save(Click.make('a', 1)), DownstreamError);
    expect(error.failures.get('counters')).toMatchObject({ code: 'POLICY_FAILED', notificationId: 1 });
    const { message: whole } = error.failures.get('counters') as Error;
    expect(whole).toMatch(
      /^Option `carryMetadata` of application 'counters' failed on notification 1 of 'clicks' /,
    );
    expect(whole).toContain(message);
  }
});
