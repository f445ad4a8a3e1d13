import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { LogMismatchError, type StorageDescription } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { afterEach, expect, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { propertyRuns } from '../../support/seed.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

/** The time by which `performance.now()` is ahead. */
const clock = { aheadMs: 0 };
const now = performance.now.bind(performance);

afterEach(() => {
  vi.restoreAllMocks();
});

/** A step in the life of an upstream and its follower. */
type Step =
  | { readonly kind: 'grow'; readonly ignored: readonly boolean[] }
  | { readonly kind: 'follow'; readonly batches: number }
  | { readonly kind: 'restart'; readonly isClean: boolean }
  | { readonly kind: 'restore'; readonly share: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('grow' as const), ignored: fc.array(fc.boolean(), { maxLength: 6 }) }),
  fc.record({ kind: fc.constant('grow' as const), ignored: fc.array(fc.boolean(), { maxLength: 6 }) }),
  fc.record({ kind: fc.constant('follow' as const), batches: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('restart' as const), isClean: fc.boolean() }),
  fc.record({ kind: fc.constant('restore' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
);

/** A click of the model: its number, or the id of an ignored one. */
type Entry = number | string;

/** An upstream whose log may be restored from an older copy, its follower, and what both of them should hold. */
class Scene {
  readonly #directory: string;
  readonly #storage: StorageDescription;
  readonly #batchSize: number;
  readonly #clicks: Clicks;
  #counters: Counters;
  #log: Entry[] = [];
  /** What the follower has handled or ignored. */
  #seen: readonly Entry[] = [];
  #made = 0;

  private constructor(
    directory: string,
    storage: StorageDescription,
    batchSize: number,
    applications: [Clicks, Counters],
  ) {
    this.#directory = directory;
    this.#storage = storage;
    this.#batchSize = batchSize;
    [this.#clicks, this.#counters] = applications;
    this.#counters.follow(this.#clicks.log, batchSize);
  }

  static async open(batchSize: number): Promise<Scene> {
    const directory = temporaryDirectory();
    const storage = sqlite({ directory, synchronous: 'NORMAL' });
    const applications: [Clicks, Counters] = [
      await Clicks.open({ storage }),
      await Counters.open({ storage }),
    ];
    return new Scene(directory, storage, batchSize, applications);
  }

  async grow(ignored: readonly boolean[]): Promise<void> {
    for (const isIgnored of ignored) {
      this.#made += 1;
      const click = isIgnored ? Click.ignored() : Click.make('key', this.#made);
      await this.#clicks.save(click);
      this.#log.push(isIgnored ? click.id : this.#made);
    }
  }

  /** Cuts the log off, as an older copy of the file would end. No copy is in place while events count as recent. */
  restore(share: number): void {
    clock.aheadMs += 250;
    const head = Math.floor(share * this.#log.length);
    using database = new DatabaseSync(join(this.#directory, 'clicks.sqlite'));
    database.exec(`delete from events where notification_id > ${head}`);
    this.#log = this.#log.slice(0, head);
  }

  /** Opens the follower again, which forgets what it has ignored since it last recorded its position. */
  async restart(isClean: boolean): Promise<void> {
    if (isClean) await processApplicationInternals.recordPositions(this.#counters);
    const { recorder } = applicationInternals.storeOf(this.#counters);
    const { position } = await recorder.position(0, 'clicks');
    this.#seen = this.#seen.slice(0, position);
    await this.#counters.close();
    this.#counters = await Counters.open({ storage: this.#storage });
    this.#counters.follow(this.#clicks.log, this.#batchSize);
  }

  /** Processes some batches, and returns whether the follower continues. It must stop if its log is another one. */
  async follow(batches: number): Promise<boolean> {
    const fits = this.#seen.every((entry, index) => this.#log[index] === entry);
    const error = await this.#counters.run({ batches }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!fits) {
      expect(error).toBeInstanceOf(LogMismatchError);
      return false;
    }
    expect(error).toBeUndefined();
    const seen = processApplicationInternals.seen(this.#counters, 'clicks');
    this.#seen = this.#log.slice(0, seen);
    const counted = (await this.#counters.counted()).get('key') ?? [];
    expect(counted).toEqual(this.#seen.filter((entry) => typeof entry === 'number'));
    return true;
  }

  async close(): Promise<void> {
    await this.#counters.close();
    await this.#clicks.close();
  }
}

async function take(scene: Scene, one: Step): Promise<boolean> {
  if (one.kind === 'grow') await scene.grow(one.ignored);
  if (one.kind === 'restart') await scene.restart(one.isClean);
  if (one.kind === 'restore') scene.restore(one.share);
  return one.kind === 'follow' ? await scene.follow(one.batches) : true;
}

test('a follower has processed exactly the log up to its position, or stops', async () => {
  vi.spyOn(performance, 'now').mockImplementation(() => now() + clock.aheadMs);
  let stopped = 0;
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 4, maxLength: 30 }),
    fc.integer({ min: 1, max: 4 }),
    async (steps, batchSize) => {
      const scene = await Scene.open(batchSize);
      try {
        for (const one of [...steps, { kind: 'follow', batches: 1_000 } as const]) {
          if (await take(scene, one)) continue;
          stopped += 1;
          return;
        }
      } finally {
        await scene.close();
      }
    },
  );
  await fc.assert(property, propertyRuns(40, 400));
  expect(stopped).toBeGreaterThan(3);
});
