import type { System } from 'kahn';
import { afterAll, beforeAll, test } from 'vitest';
import { proposeRivals } from '../../../examples/paxos/rivals.ts';
import { five, type ParticipantClass, three } from '../../../examples/paxos/systems.ts';
import { localRunners, restateKind } from '../../support/runners/every-runner.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { assertAllLearned } from './agreement.ts';

const systems = [three, five] as readonly System<ParticipantClass>[];
const keys = ['north', 'east', 'south', 'west', ''].map((side) => `the ${side} gate`);

let engine: RestateEngine;
const hasEngine = byTier(false, true);
beforeAll(async () => {
  if (hasEngine) engine = await RestateEngine.start();
});
afterAll(() => engine?.[Symbol.asyncDispose]());

const kinds = [...localRunners, ...(hasEngine ? [restateKind(() => engine)] : [])];
const runs = kinds.flatMap((kind) =>
  storages
    .filter(({ name }) => !kind.refuses.includes(name))
    .flatMap(({ name, create }) =>
      systems.map((system) => ({ kind, system, create, name: `${system.name}, ${kind.name} on ${name}` })),
    ),
);
const quick = [
  'three, single-threaded on memory',
  'five, single-threaded on sqlite',
  'three, stepping single-threaded on memory',
];

test.each(
  byTier(
    runs.filter(({ name }) => quick.includes(name)),
    runs,
  ),
)('rivals agree on one value for each key, which all learn: $name', async ({ kind, system, create }) => {
  const storage = create();
  const names = system.applications.map(({ applicationName }) => applicationName);
  await using runner = await kind.start(system, { storage });
  await proposeRivals(runner, system.applications, keys);
  await assertAllLearned(runner, system, storage, new Map(keys.map((key) => [key, names])));
});
