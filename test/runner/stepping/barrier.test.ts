import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Barrier, BarrierBrokenError } from '../../../src/runner/stepping/threads/barrier.ts';
import { rejectionOf } from '../../support/errors.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import type { Party, PartyOutcome } from './barrier-party.ts';

function barriers(parties: number): () => Barrier {
  const buffer = new SharedArrayBuffer(Barrier.bytes);
  return () => new Barrier(parties, buffer);
}

describe('a barrier', () => {
  test('of one lets that one go at once, again and again', async () => {
    const barrier = barriers(1)();
    for (let round = 0; round < 5; round += 1) await barrier.wait();
  });

  test('lets nobody go before all have come', async () => {
    const barrierOf = barriers(3);
    const gone: number[] = [];
    const waiting = [0, 1].map((party) =>
      barrierOf()
        .wait()
        .then(() => gone.push(party)),
    );
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(gone).toEqual([]);
    await barrierOf().wait();
    await Promise.all(waiting);
    expect(gone.toSorted()).toEqual([0, 1]);
  });

  test('that is broken wakes all who wait, and stops all who come later', async () => {
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

  test('lets all go whom it was lifted for, though it is broken before they get to know', async () => {
    const barrierOf = barriers(2);
    const first = barrierOf().wait();
    const second = barrierOf().wait();
    barrierOf().break();
    await Promise.all([first, second]);
    await rejectionOf(barrierOf().wait(), BarrierBrokenError);
  });

  test('lets nobody go if it is broken in the moment in which the last one comes', async () => {
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

  test('stands beside others in the same memory', async () => {
    const buffer = new SharedArrayBuffer(2 * Barrier.bytes);
    const [one, other] = [new Barrier(1, buffer), new Barrier(1, buffer, Barrier.bytes)];
    other.break();
    await one.wait();
    await rejectionOf(other.wait(), BarrierBrokenError);
  });

  test('goes on when its count of rounds has run over', async () => {
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

describe('parties that come in any order', () => {
  test('all go together, round by round', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.record(sizes), async (scheduler, { parties, rounds }) => {
        const barrierOf = barriers(parties);
        const come = Array.from({ length: rounds }, () => 0);
        const gone = Array.from({ length: rounds }, () => 0);
        const comeAll = async (party: number) => {
          const barrier = barrierOf();
          for (let round = 0; round < rounds; round += 1) {
            await scheduler.schedule(Promise.resolve(), `${party} comes to ${round}`);
            come[round]! += 1;
            await barrier.wait();
            gone[round]! += 1;
            expect(come[round]).toBe(parties);
            if (round > 0) expect(gone[round - 1]).toBe(parties);
          }
        };
        await scheduler.waitFor(Promise.all(Array.from({ length: parties }, (_, party) => comeAll(party))));
        expect(gone).toEqual(Array.from({ length: rounds }, () => parties));
      }),
      { numRuns: 200, seed },
    );
  });

  test('all go or none, round by round, when somebody breaks the barrier at any moment', async () => {
    const moment = fc.nat({ max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.record(sizes),
        moment,
        async (scheduler, { parties, rounds }, at) => {
          const barrierOf = barriers(parties);
          const gone = Array.from({ length: rounds }, () => 0);
          let moments = 0;
          const breakMaybe = () => {
            if (moments === at) barrierOf().break();
            moments += 1;
          };
          const comeAll = async (party: number) => {
            const barrier = barrierOf();
            for (let round = 0; round < rounds; round += 1) {
              await scheduler.schedule(Promise.resolve(), `${party} comes to ${round}`);
              breakMaybe();
              const waiting = barrier.wait();
              breakMaybe(); // perhaps after it was lifted, and before anybody knows
              await waiting;
              gone[round]! += 1;
            }
          };
          const outcomes = await scheduler.waitFor(
            Promise.allSettled(Array.from({ length: parties }, (_, party) => comeAll(party))),
          );
          const passed = gone.filter((count) => count > 0).length;
          expect(gone).toEqual(gone.map((_, round) => (round < passed ? parties : 0)));
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

  /** Lets threads come to a barrier, and breaks it when as many have come in all as are said. */
  async function run(parties: number, rounds: number, first: number, breakAfter = Infinity) {
    const barrier = new SharedArrayBuffer(Barrier.bytes);
    const come = new SharedArrayBuffer(rounds * Int32Array.BYTES_PER_ELEMENT);
    const outcomes = Array.from({ length: parties }, async (_, party) => {
      const workerData: Party = { parties, rounds, barrier, come, seed: first + party };
      const worker = new Worker(program, { eval: true, workerData });
      const [[outcome]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      return outcome as PartyOutcome;
    });
    let isOver = false;
    const all = Promise.all(outcomes).finally(() => {
      isOver = true;
    });
    const counts = new Int32Array(come);
    while (!isOver && breakAfter < Infinity && counts.reduce((sum, count) => sum + count, 0) < breakAfter) {
      await nextTurn();
    }
    if (breakAfter < Infinity) new Barrier(parties, barrier).break();
    return all;
  }

  test('go together a thousand times', async () => {
    const outcomes = await run(4, 1_000, 1);
    expect(outcomes).toEqual(outcomes.map(() => ({ passed: 1_000, early: 0, error: undefined })));
  });

  test('all go or none when the barrier is broken at any moment', async () => {
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
