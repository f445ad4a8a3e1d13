import { CausalDependencyError, type NotificationLog, PolicyError, type StorageDescription } from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Relay, type RelayClass, relay } from '../../support/systems/relays.ts';

/** Notes the number of hops of each token; throws for the number of `broken`. */
class Watch extends Relay {
  static readonly applicationName: string = 'watch';
  readonly seen: number[] = [];
  broken: number | undefined;
  override readonly policy = this.when({
    'Token.Moved': ({ data }) => {
      if (data.hops === this.broken) throw new RangeError('broken');
      this.seen.push(data.hops);
    },
  });
}

async function open<R extends Relay>(
  kind: (new () => R) & Pick<RelayClass, 'emits' | 'open' | 'applicationName'>,
  storage: StorageDescription,
): Promise<R> {
  const application = await kind.open<Relay>({ storage });
  onTestFinished(() => application.close());
  return application as R;
}

/** A log that counts its reads, and can be read up to `end` only. */
class ObservedLog implements NotificationLog {
  readonly #log: NotificationLog;
  reads = 0;
  end = Infinity;
  /** Called before each read. */
  reading = () => {};

  constructor(log: NotificationLog) {
    this.#log = log;
  }

  get applicationName() {
    return this.#log.applicationName;
  }

  get pipelineId() {
    return this.#log.pipelineId;
  }

  section(id: string) {
    return this.#log.section(id);
  }

  async head() {
    return Math.min(await this.#log.head(), this.end);
  }

  async select(after: number, limit: number) {
    this.reads += 1;
    this.reading();
    return (await this.#log.select(after, limit)).filter(({ id }) => id <= this.end);
  }
}

/** Two relays that follow each other, and an application that follows both, the log of the effects first. */
async function openTriangle(storage: StorageDescription, batchSize = 500) {
  const a = await open(relay('a'), storage);
  const b = await open(relay('b'), storage);
  a.follow(b.log);
  b.follow(a.log);
  const watch = await open(Watch, storage);
  const [ofA, ofB] = [new ObservedLog(a.log), new ObservedLog(b.log)];
  watch.follow(ofB, batchSize);
  watch.follow(ofA, batchSize);
  const settle = async () => {
    while ((await a.run()) + (await b.run()) > 0);
  };
  return { a, b, watch, ofA, ofB, settle };
}

const descending = (from: number) => Array.from({ length: from + 1 }, (_, i) => from - i);

describe.each(storages)('an application that follows a cause and its effect, on $name', ({ create }) => {
  test('processes the cause first, in batches, and counts the notifications of each log', async () => {
    const { a, watch, settle } = await openTriangle(create(), 10);
    await a.move(...Array.from({ length: 35 }, () => 1)); // each is moved to b, where it has no hops left
    await settle();
    const counts = new Map<string, number>();
    let batches = 0;
    while ((counts.get('b') ?? 0) < 35) {
      const batch = await processApplicationInternals.run(watch, { upstreamName: 'b', batches: 1 });
      for (const [name, count] of batch) {
        expect(count).toBeLessThanOrEqual(10);
        counts.set(name, (counts.get(name) ?? 0) + count);
        expect(counts.get('b') ?? 0).toBeLessThanOrEqual(counts.get('a') ?? 0);
      }
      batches += 1;
    }
    expect(counts.get('b')).toBe(35);
    expect(counts.get('a')).toBeGreaterThanOrEqual(35); // the log of a has more events behind the causes
    expect(watch.seen.toSorted()).toEqual([...Array(35).fill(0), ...Array(35).fill(1)]);
    expect(batches).toBeLessThan(70); // 8 batches, or more if a batch takes long on a busy machine
  });

  test('processes causes and effects that alternate in order, with a few reads', async () => {
    const hops = 300;
    const { a, watch, ofA, ofB, settle } = await openTriangle(create());
    await a.move(hops);
    await settle();
    await watch.run();
    expect(watch.seen).toEqual(descending(hops));
    expect(ofA.reads + ofB.reads).toBeLessThan(10);
  });

  test('processes no more of the cause than needed if there is a limit', async () => {
    const { a, watch, settle } = await openTriangle(create());
    await a.move(1, 1, 1, 1, 1);
    await settle();
    expect(await watch.run({ upstreamName: 'b', upTo: 3 })).toBe(6);
    expect(watch.seen).toEqual([1, 0, 1, 0, 1, 0]);
    await watch.run({ upTo: 4 });
    expect(watch.seen).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    await watch.run();
    expect(watch.seen).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  test('ends before the next batch when the signal is aborted', async () => {
    const { a, watch, ofA, settle } = await openTriangle(create(), 1);
    await a.move(1, 1, 1);
    await settle();
    const stop = new AbortController();
    ofA.reading = () => stop.abort(new Error('enough'));
    await expect(watch.run({ upstreamName: 'b', signal: stop.signal })).rejects.toThrow('enough');
    expect(watch.seen).toEqual([1]);
  });

  test('reads neither positions nor causes while causes arrive first', async () => {
    const storage = create();
    const [a, b, watch] = [
      await open(relay('a'), storage),
      await open(relay('b'), storage),
      await open(Watch, storage),
    ];
    b.follow(a.log);
    watch.follow(a.log);
    watch.follow(b.log);
    const reads: string[] = [];
    for (const application of [b, watch]) {
      const { recorder } = applicationInternals.storeOf(application);
      for (const method of ['position', 'causes'] as const) {
        const read: (...args: never[]) => unknown = recorder[method].bind(recorder);
        const counting = (...args: never[]) => {
          reads.push(method);
          return read(...args);
        };
        recorder[method] = counting as never;
      }
    }
    for (let round = 0; round < 5; round += 1) {
      await a.move(1, 1);
      await watch.run({ upstreamName: 'a' });
      await b.run();
      await watch.run({ upstreamName: 'b' });
    }
    expect(watch.seen).toHaveLength(20);
    expect(reads).toEqual(['position', 'position', 'position']); // once for each log that is followed
  });

  test('fails with the error of its policy on the cause, before any of its effects', async () => {
    const { a, watch, settle } = await openTriangle(create());
    await a.move(3, 1);
    await settle();
    watch.broken = 1;
    const error = await rejectionOf(watch.run({ upstreamName: 'b' }), PolicyError);
    expect(error).toMatchObject({ upstreamName: 'a', notificationId: 2 });
    expect(new Set(watch.seen)).toEqual(new Set([3])); // the batch is repeated one by one
    watch.broken = undefined;
    watch.seen.length = 0;
    await watch.run();
    expect(watch.seen).toEqual([2, 1, 1, 0, 0]);
  });

  test('notices that another writer has processed the cause', async () => {
    const storage = create();
    const { a, b, watch, settle } = await openTriangle(storage);
    const other = await open(Watch, storage);
    other.follow(a.log);
    await a.move(1);
    await settle();
    await watch.run();
    await a.move(5, 5);
    await b.run();
    await other.run();
    expect(other.seen).toEqual([5, 5]);
    await watch.run({ upstreamName: 'b' });
    expect(watch.seen).toEqual([1, 0, 4, 4]);
  });

  test('waits while the log of the cause ends before it', async () => {
    const { a, watch, ofA, settle } = await openTriangle(create());
    await a.move(1, 1, 1);
    await settle();
    ofA.end = 2;
    const error = await rejectionOf(watch.run(), CausalDependencyError);
    expect(error).toMatchObject({
      applicationName: 'watch',
      upstreamName: 'b',
      notificationId: 3,
      pipelineId: 0,
      dependency: { applicationName: 'a', pipelineId: 0, notificationId: 3 },
    });
    expect(error.message).toBe(
      "Application 'watch' waits in pipeline 0 with notification 3 of 'b': it depends on notification 3 of 'a' in " +
        "pipeline 0, which 'watch' has not processed yet. Processing resumes automatically; make sure that the log of " +
        "'a' is complete.",
    );
    expect(watch.seen).toEqual([1, 1, 0, 0]);
    ofA.end = Infinity;
    await watch.run();
    expect(watch.seen).toEqual([1, 1, 0, 0, 1, 0]);
  });
});
