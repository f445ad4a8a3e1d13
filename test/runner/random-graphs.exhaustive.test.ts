import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  type StorageDescription,
  type System,
} from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { intermediatesOf } from '../../src/system/graph.ts';
import { assertCausesFirst } from '../support/cause-order.ts';
import { randomNumbers } from '../support/random-numbers.ts';
import { seed } from '../support/seed.ts';
import { storages } from '../support/storages.ts';
import { randomRelays } from '../support/systems/random-relays.ts';
import { letRelaysDawdle, type RelayClass } from '../support/systems/relays.ts';
import { inTime } from '../support/until.ts';
import { watchRunners } from '../support/watchers/events.ts';
import { watchProcesses } from '../support/watchers/processes.ts';
import { watchWorkers } from '../support/watchers/workers.ts';
import { KillCandidates } from './multiprocess/kill-candidates.ts';

const kills = 8;
const graphs = [0, 1, 2, 3, 4, 5].map((index) => seed + index);

type RandomSystem = System<RelayClass>;

/** Kills threads that have made progress: more deaths in a row without progress are a failure. */
function killerOfThreads(random: () => number) {
  const workers = watchWorkers();
  const useful = new Set<Worker>();
  watchRunners((event) => {
    if (event.kind !== 'processed') return;
    const worker = [...workers].find(({ threadName }) => threadName === `kahn ${event.applicationName}`);
    if (worker !== undefined) useful.add(worker);
  });
  return () => {
    const all = [...useful].filter((worker) => workers.has(worker));
    const victim = all[Math.floor(random() * all.length)];
    if (victim === undefined) return false;
    useful.delete(victim);
    void victim.terminate();
    return true;
  };
}

function killerOfProcesses(random: () => number) {
  const candidates = new KillCandidates();
  watchRunners(candidates.hear);
  watchProcesses(candidates.watch);
  return () => candidates.kill(false, random());
}

const subjects = storages.flatMap(({ name, create }) => [
  ...(name === 'postgres'
    ? []
    : [{ name: `threads on ${name}`, Runner: MultiThreadedRunner, killer: killerOfThreads, create }]),
  ...(name === 'memory'
    ? []
    : [{ name: `processes on ${name}`, Runner: MultiprocessRunner, killer: killerOfProcesses, create }]),
]);

async function assertOrder(system: RandomSystem, storage: StorageDescription): Promise<void> {
  await using runner = await SingleThreadedRunner.start(system, { storage });
  await assertCausesFirst(
    system,
    system.applications.map((kind) => runner.get(kind)),
  );
}

for (const [number, { name, Runner, killer, create }] of subjects.entries()) {
  for (const [index, graph] of graphs.entries()) {
    if (index % 2 !== number % 2) continue; // threads and processes run each graph, on one storage or the other
    test(`causes come before effects in ${name}, killed at random, in random graph ${index}`, async () => {
      letRelaysDawdle(10);
      onTestFinished(() => letRelaysDawdle(0));
      const random = randomNumbers(graph);
      const system = randomRelays(graph);
      const storage = create();
      const kill = killer(random);
      {
        await using runner = await Runner.start(system, { storage, batchSize: 5 });
        const any = () => runner.get(system.applications[Math.floor(random() * system.applications.length)]!);
        for (let killed = 0; killed < kills; ) {
          await Promise.all(Array.from({ length: 5 }, () => any().move(Math.floor(random() * 4))));
          if (kill()) killed += 1;
          await delay(random() * 50); // workers start meanwhile
        }
        await runner.caughtUp({ signal: inTime() });
      }
      await assertOrder(system, storage);
    });
  }
}

test('some of the graphs have intermediates', () => {
  const counts = graphs.map((one) => {
    const { graph } = randomRelays(one);
    return graph.nodes.filter(({ name }) => intermediatesOf(graph, name).length > 0).length;
  });
  expect(Math.max(...counts)).toBeGreaterThan(0);
});
