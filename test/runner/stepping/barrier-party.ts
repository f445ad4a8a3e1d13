import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Barrier } from '../../../src/runner/stepping/threads/barrier.ts';
import { randomNumbers } from '../../support/random-numbers.ts';

/** What a thread of the barrier's test is to do: to come to the barrier in each round. */
export interface Party {
  readonly parties: number;
  readonly rounds: number;
  readonly barrier: SharedArrayBuffer;
  /** How many have come in each round. */
  readonly come: SharedArrayBuffer;
  readonly seed: number;
}

/** How it went: how often it was let go, and how often before all had come. */
export interface PartyOutcome {
  readonly passed: number;
  readonly early: number;
  readonly error: string | undefined;
}

const { parties, rounds, barrier, come, seed } = workerData as Party;
const counts = new Int32Array(come);
const random = randomNumbers(seed);
const theBarrier = new Barrier(parties, barrier);

async function comeAgainAndAgain(): Promise<PartyOutcome> {
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

// Waiting at a barrier does not keep a thread alive: in the library, its port does.
const alive = setInterval(() => {}, 1_000);
parentPort?.postMessage(await comeAgainAndAgain());
clearInterval(alive);
