import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Barrier, BarrierBrokenError } from '../../../../src/runner/stepping/threads/barrier.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { randomNumbers } from '../../../support/random-numbers.ts';
import { seed } from '../../../support/seed.ts';
import type { Party, PartyOutcome } from './barrier-party.ts';

function barriers(parties: number): () => Barrier {
  const buffer = new SharedArrayBuffer(Barrier.bytes);
  return () => new Barrier(parties, buffer);
}

describe('a barrier', () => {
  test('of one party never holds that party', async () => {
    const barrier = barriers(1)();
    for (let round = 0; round < 5; round += 1) await barrier.wait();
  });

  test('holds all parties until the last one waits', async () => {
    const barrierOf = barriers(3);
    const through: number[] = [];
    const waiting = [0, 1].map((party) =>
      barrierOf()
        .wait()
        .then(() => through.push(party)),
    );
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(through).toEqual([]);
    await barrierOf().wait();
    await Promise.all(waiting);
    expect(through.toSorted()).toEqual([0, 1]);
  });

  test('that is broken rejects current and later waits', async () => {
    const barrierOf = barriers(3);
    const waiting = [barrierOf(), barrierOf()].map((barrier) =>
      rejectionOf(barrier.wait(), BarrierBrokenError),
    );
    barrierOf().break();
    await Promise.all(waiting);
    for (let i = 0; i < 4; i += 1) await rejectionOf(barrierOf().wait(), BarrierBrokenError);
    barrierOf().break();
    expect((await rejectionOf(barrierOf().wait(), BarrierBrokenError)).code).toBe('BARRIER_BROKEN');
  });

  test('that is broken after it was lifted still lets all parties pass', async () => {
    const barrierOf = barriers(2);
    const first = barrierOf().wait();
    const second = barrierOf().wait();
    barrierOf().break();
    await Promise.all([first, second]);
    await rejectionOf(barrierOf().wait(), BarrierBrokenError);
  });

  test('that is broken while the last party arrives lets none pass', async () => {
    const barrierOf = barriers(2);
    const first = rejectionOf(barrierOf().wait(), BarrierBrokenError);
    const add: (...args: never[]) => unknown = Atomics.add;
    const spy = vi.spyOn(Atomics, 'add').mockImplementationOnce((...args) => {
      const before = add(...(args as unknown as never[]));
      barrierOf().break();
      return before as never;
    });
    onTestFinished(() => spy.mockRestore());
    await Promise.all([first, rejectionOf(barrierOf().wait(), BarrierBrokenError)]);
  });

  test('shares memory with other barriers', async () => {
    const buffer = new SharedArrayBuffer(2 * Barrier.bytes);
    const [one, other] = [new Barrier(1, buffer), new Barrier(1, buffer, Barrier.bytes)];
    other.break();
    await one.wait();
    await rejectionOf(other.wait(), BarrierBrokenError);
  });

  test('works after its count of rounds has overflowed', async () => {
    const buffer = new SharedArrayBuffer(Barrier.bytes);
    new Int32Array(buffer)[1] = 2 ** 31 - 2;
    const parties = [new Barrier(2, buffer), new Barrier(2, buffer)];
    for (let round = 0; round < 3; round += 1) await Promise.all(parties.map((barrier) => barrier.wait()));
    const waiting = rejectionOf(parties[0]!.wait(), BarrierBrokenError);
    parties[1]!.break();
    await waiting;
  });
});

const sizes = { parties: fc.integer({ min: 1, max: 6 }), rounds: fc.integer({ min: 1, max: 6 }) };

describe('parties that arrive in any order', () => {
  test('all pass together, round by round', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.record(sizes), async (scheduler, { parties, rounds }) => {
        const barrierOf = barriers(parties);
        const arrived = Array.from({ length: rounds }, () => 0);
        const through = Array.from({ length: rounds }, () => 0);
        const waitAll = async (party: number) => {
          const barrier = barrierOf();
          for (let round = 0; round < rounds; round += 1) {
            await scheduler.schedule(Promise.resolve(), `${party} arrives in ${round}`);
            arrived[round]! += 1;
            await barrier.wait();
            through[round]! += 1;
            expect(arrived[round]).toBe(parties);
            if (round > 0) expect(through[round - 1]).toBe(parties);
          }
        };
        await scheduler.waitFor(Promise.all(Array.from({ length: parties }, (_, party) => waitAll(party))));
        expect(through).toEqual(Array.from({ length: rounds }, () => parties));
      }),
      { numRuns: 200, seed },
    );
  });

  test('all pass or none, round by round, when the barrier is broken at any moment', async () => {
    const moment = fc.nat({ max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.record(sizes),
        moment,
        async (scheduler, { parties, rounds }, at) => {
          const barrierOf = barriers(parties);
          const through = Array.from({ length: rounds }, () => 0);
          let moments = 0;
          const breakMaybe = () => {
            if (moments === at) barrierOf().break();
            moments += 1;
          };
          const waitAll = async (party: number) => {
            const barrier = barrierOf();
            for (let round = 0; round < rounds; round += 1) {
              await scheduler.schedule(Promise.resolve(), `${party} arrives in ${round}`);
              breakMaybe();
              const waiting = barrier.wait();
              breakMaybe(); // perhaps after the barrier was lifted, and before a party has seen it
              await waiting;
              through[round]! += 1;
            }
          };
          const outcomes = await scheduler.waitFor(
            Promise.allSettled(Array.from({ length: parties }, (_, party) => waitAll(party))),
          );
          const passed = through.filter((count) => count > 0).length;
          expect(through).toEqual(through.map((_, round) => (round < passed ? parties : 0)));
          const broken = outcomes.filter(({ status }) => status === 'rejected').length;
          expect(broken).toBe(passed === rounds ? 0 : parties);
          if (moments > at) await rejectionOf(barrierOf().wait(), BarrierBrokenError);
        },
      ),
      { numRuns: 300, seed },
    );
  });
});

describe('threads', () => {
  const program = `import(${JSON.stringify(new URL('./barrier-party.ts', import.meta.url).href)})`;

  /** Makes threads wait at a barrier, and breaks it after `breakAfter` arrivals. */
  async function run(parties: number, rounds: number, first: number, breakAfter = Infinity) {
    const barrier = new SharedArrayBuffer(Barrier.bytes);
    const arrived = new SharedArrayBuffer(rounds * Int32Array.BYTES_PER_ELEMENT);
    const outcomes = Array.from({ length: parties }, async (_, party) => {
      const workerData: Party = { parties, rounds, barrier, arrived, seed: first + party };
      const worker = new Worker(program, { eval: true, workerData });
      const [[outcome]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      return outcome as PartyOutcome;
    });
    let isOver = false;
    const all = Promise.all(outcomes).finally(() => {
      isOver = true;
    });
    const counts = new Int32Array(arrived);
    while (!isOver && breakAfter < Infinity && counts.reduce((sum, count) => sum + count, 0) < breakAfter) {
      await nextTurn();
    }
    if (breakAfter < Infinity) new Barrier(parties, barrier).break();
    return all;
  }

  test('pass together a thousand times', async () => {
    const outcomes = await run(4, 1_000, 1);
    expect(outcomes).toEqual(outcomes.map(() => ({ passed: 1_000, early: 0, error: undefined })));
  });

  test('all pass or none when the barrier is broken at any moment', async () => {
    const random = randomNumbers(seed);
    for (let time = 0; time < 6; time += 1) {
      const parties = 2 + Math.floor(random() * 2);
      const rounds = 2_000;
      const breakAfter = Math.floor(random() * parties * rounds * 0.5);
      const outcomes = await run(parties, rounds, seed + time, breakAfter);
      const passed = outcomes[0]?.passed ?? 0;
      const error = passed === rounds ? undefined : 'BARRIER_BROKEN';
      expect(outcomes, `seed ${seed}`).toEqual(outcomes.map(() => ({ passed, early: 0, error })));
    }
  });
});
