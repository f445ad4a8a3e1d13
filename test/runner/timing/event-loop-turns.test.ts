import { clearInterval, setInterval } from 'node:timers';
import { Aggregate, Application, type DomainEvent, memory, ProcessApplication, run, System } from 'kahn';
import { expect, test } from 'vitest';

type PartEvent = DomainEvent<'Part.Made' | 'Part.Changed', { note: string; sizes: number[] }>;

const data = { note: 'some text of usual length', sizes: [1, 2, 3] };
const emits = ['Part.Made', 'Part.Changed'] as const;

class Part extends Aggregate<PartEvent> {
  changes = 0;

  static make(id?: string): Part {
    return Part.create('Part.Made', data, id);
  }

  change(): this {
    this.trigger('Part.Changed', data);
    return this;
  }

  protected override apply(): void {
    this.changes += 1;
  }
}

class Parts extends Application<PartEvent> {
  static readonly applicationName = 'parts';
  static readonly emits = emits;
}

/** Makes a part with 200 events for each part. */
class FannedOut extends ProcessApplication<PartEvent, PartEvent> {
  static readonly applicationName = 'fanned out';
  static readonly emits = emits;
  override readonly policy = this.when({
    'Part.Made': () => {
      const part = Part.make();
      for (let i = 1; i < 200; i += 1) part.change();
      return part;
    },
  });
}

/** Changes one part for each part. */
class Contested extends ProcessApplication<PartEvent, PartEvent> {
  static readonly applicationName = 'contested';
  static readonly emits = emits;
  override readonly policy = this.when({
    'Part.Made': async (_event, repository) => {
      (await repository.get(Part, 'contested')).change();
    },
  });
}

/** Ignores all parts. */
class Ignoring extends ProcessApplication<never, PartEvent> {
  static readonly applicationName = 'ignoring';
  static readonly emits = [] as const;
  override readonly policy = this.when({ 'Part.Changed': () => {} });
}

const parts = System.of([
  [Parts, FannedOut, Ignoring],
  [Parts, Contested],
]);

/** Returns the longest time for which work kept this thread from its timers, in ms of processor time. */
async function longestStretch(work: () => Promise<unknown>): Promise<number> {
  const stretches: number[] = [];
  let last = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    stretches.push((user + system) / 1_000);
  };
  const timer = setInterval(look, 1);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return Math.max(...stretches);
}

/** Longest stretch of most tries: in some, this thread also collects garbage or compiles code. */
async function usualStretch(work: () => Promise<unknown>): Promise<number> {
  await work();
  const tries: number[] = [];
  for (let round = 0; round < 5; round += 1) tries.push(await longestStretch(work));
  return tries.toSorted((a, b) => a - b)[2]!;
}

const mostMs = 20;

test('timers run between the effects of a batch', async () => {
  await using runner = await run(parts, { storage: memory(), batchSize: 500 });
  await runner.get(Contested).save(Part.make('contested'));
  const save = () => runner.get(Parts).save(Array.from({ length: 100 }, () => Part.make()));
  expect(await usualStretch(save)).toBeLessThan(mostMs);
});

test('timers run while a long aggregate is loaded', async () => {
  await using runner = await run(parts, { storage: memory() });
  const contested = Part.make('contested');
  for (let i = 1; i < 40_000; i += 1) contested.change();
  await runner.get(Contested).save(contested);
  const { repository } = runner.get(Contested);
  expect(await usualStretch(() => repository.get(Part, 'contested'))).toBeLessThan(mostMs);
  const save = () => runner.get(Parts).save(Part.make());
  expect(await usualStretch(save)).toBeLessThan(mostMs);
});
