import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Barrier } from '../../../../src/runner/stepping/threads/barrier.ts';
import { randomNumbers } from '../../../support/random-numbers.ts';

/** Task of a thread in the tests of the barrier: to wait at the barrier in each round. */
export interface Party {
  readonly parties: number;
  readonly rounds: number;
  readonly barrier: SharedArrayBuffer;
  /** Number of parties that have arrived in each round. */
  readonly arrived: SharedArrayBuffer;
  readonly seed: number;
}

/** Numbers of rounds in which a party passed the barrier, and in which it passed before all had arrived. */
export interface PartyOutcome {
  readonly passed: number;
  readonly early: number;
  readonly error: string | undefined;
}

const { parties, rounds, barrier, arrived, seed } = workerData as Party;
const counts = new Int32Array(arrived);
const random = randomNumbers(seed);
const theBarrier = new Barrier(parties, barrier);

async function waitInEachRound(): Promise<PartyOutcome> {
  let early = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (random() < 0.3) await nextTurn();
    Atomics.add(counts, round, 1);
    try {
      await theBarrier.wait();
    } catch (error) {
      return { passed: round, early, error: (error as { code: string }).code };
    }
    if (Atomics.load(counts, round) !== parties) early += 1;
  }
  return { passed: rounds, early, error: undefined };
}

// Waiting at a barrier does not keep a thread alive. In the library, the port of the thread does.
const alive = setInterval(() => {}, 1_000);
parentPort?.postMessage(await waitInEachRound());
clearInterval(alive);
