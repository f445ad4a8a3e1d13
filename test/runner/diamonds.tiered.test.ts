import {
  type ApplicationClass,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { beforeEach, describe, onTestFinished, test } from 'vitest';
import { assertCausesFirst } from '../support/cause-order.ts';
import { storages } from '../support/storages.ts';
import { allSupervisedSubjects } from '../support/supervised-runners.ts';
import { diamonds, letRelaysDawdle, relays } from '../support/systems/relays.ts';
import { byTier } from '../support/tier.ts';
import { inTime } from '../support/until.ts';

interface Subject {
  readonly name: string;
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: { readonly storage: StorageDescription; readonly batchSize: number },
  ): Promise<SystemRunner<Apps>>;
  create(): StorageDescription;
}

const local: readonly Subject[] = storages.flatMap(({ name, create }): Subject[] => [
  {
    name: `one thread on ${name}`,
    start: (system, options) => SingleThreadedRunner.start(system, options),
    create,
  },
  {
    name: `ticks in one thread on ${name}`,
    start: (system, options) => SteppingSingleThreadedRunner.start(system, { ...options, paused: true }),
    create,
  },
  {
    name: `ticks in threads on ${name}`,
    start: (system, options) => SteppingMultiThreadedRunner.start(system, { ...options, paused: true }),
    create,
  },
]);
const isQuick = ({ name }: Subject) => name.endsWith('memory') || name === 'processes on sqlite';
const subjects = [...local, ...allSupervisedSubjects].filter((one) => byTier(isQuick(one), !isQuick(one)));

const hops = Array.from({ length: byTier(10, 30) }, (_, i) => i % 5);

beforeEach(() => {
  letRelaysDawdle(5);
  onTestFinished(() => letRelaysDawdle(0));
});

describe.each(subjects)('causes come before effects in $name', ({ start, create }) => {
  test.each(diamonds)(
    'in the system $name, with a backlog, new followers and restarts',
    async ({ system, before }) => {
      const storage = create();
      {
        await using runner = await SingleThreadedRunner.start(before, { storage });
        await runner.get(relays.a).move(...hops);
      }
      for (const batchSize of [3, 500]) {
        await using runner = await start(system, { storage, batchSize });
        await runner.caughtUp({ signal: inTime() });
        await Promise.all(hops.map((count) => runner.get(relays.a).move(count)));
        await runner.caughtUp({ signal: inTime() });
      }
      await using runner = await SingleThreadedRunner.start(system, { storage });
      await assertCausesFirst(
        system,
        system.applications.map((kind) => runner.get(kind)),
      );
    },
  );
});
