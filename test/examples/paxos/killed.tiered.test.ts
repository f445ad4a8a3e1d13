import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  MultiprocessRunner,
  SingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Ada, five, type ParticipantClass, three } from '../../../examples/paxos/systems.ts';
import { KillCandidates } from '../../runner/multiprocess/kill-candidates.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryDatabase } from '../../support/servers/postgres.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { inTime, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { startExample } from '../example-program.ts';
import { assertAgreement, assertAllLearned } from './agreement.ts';

const killsOn: Record<string, number> = byTier({ sqlite: 3 }, { sqlite: 40, postgres: 40 });

for (const { name, create } of storages.filter((storage) => storage.name in killsOn)) {
  const kills = killsOn[name] ?? 0;
  test(`rivals agree on one value for each key while their processes are killed ${kills} times, on ${name}`, async () => {
    const system = byTier(three, five) as System<ParticipantClass>;
    const random = randomNumbers(seed);
    const candidates = new KillCandidates();
    const events = watchRunners(candidates.hear);
    watchProcesses(candidates.watch);
    const storage = create();
    await using runner = await MultiprocessRunner.start(system, { storage, batchSize: 2 });
    let killed = 0;
    const killAll = async () => {
      for (; killed < kills; killed += 1) {
        await until('most processes run', () => candidates.running > system.applications.length / 2);
        await delay(random() * 20);
        await until('one may be killed', () => candidates.kill(false, random()));
      }
    };
    const over = killAll();
    const proposals = new Map<string, string[]>();
    for (let round = 0; killed < kills; round += 1) {
      await proposeSome(runner, system, proposals, random);
      await until('the next kill', () => killed > round);
    }
    await over;
    await runner.caughtUp({ signal: inTime() });
    await assertAllLearned(runner, system, storage, proposals);
    expect(events.filter(({ kind }) => kind === 'restarted').length).toBeGreaterThan(0);
  });
}

/** Lets some of the participants propose values for new keys, and for one of the keys before. */
async function proposeSome(
  runner: SystemRunner<ParticipantClass>,
  { applications }: System<ParticipantClass>,
  proposals: Map<string, string[]>,
  random: () => number,
): Promise<void> {
  const known = [...proposals.keys()];
  const old = known[Math.floor(random() * known.length)] ?? 'first key';
  const rivals = [old, ...[1, 2, 3].map((i) => `key ${known.length + i}`)].flatMap((key) => {
    const values = proposals.get(key) ?? [];
    proposals.set(key, values);
    const some = applications.filter(() => random() < 0.7);
    return (some.length > 0 ? some : applications).map((kind) => {
      const value = `${kind.applicationName} ${values.length}`;
      values.push(value);
      return runner.get(kind).propose(key, value);
    });
  });
  await Promise.all(rivals);
}

interface Place {
  readonly name: string;
  create(): Promise<{ readonly database: string; readonly storage: StorageDescription }>;
}

const places: readonly Place[] = [
  {
    name: 'sqlite',
    async create() {
      const database = join(temporaryDirectory(), 'paxos.db');
      return { database, storage: sqlite({ file: database }) };
    },
  },
  {
    name: 'postgres',
    async create() {
      const database = await temporaryDatabase();
      return { database, storage: postgres({ connectionString: database }) };
    },
  },
];

const programKills = byTier(1, 8);
const keys = Array.from({ length: 40 }, (_, i) => `seat ${i + 1}`);

test.each(byTier(places.slice(0, 1), places))(
  `rivals agree on one value for each key when the whole program is killed, ${programKills} times, on $name`,
  async ({ create }) => {
    const random = randomNumbers(seed);
    const { database, storage } = await create();
    const args = ['--database', database, '--keys', `${keys.length}`];
    const participants = three.applications.map(({ applicationName }) => applicationName);
    const proposals = new Map(keys.map((key) => [key, participants]));
    for (let killed = 0; killed < programKills; killed += 1) {
      const program = startExample('paxos', ...args, ...(killed % 2 === 0 ? [] : ['--processes']));
      const aim = random() * 3 * keys.length;
      let ended = false;
      void program.outcome.finally(() => {
        ended = true;
      });
      await until('some messages are sent', async () => ended || (await messagesIn(storage)) >= aim);
      program.child.kill('SIGKILL');
      await program.outcome;
    }
    const { stdout, ...exit } = await startExample('paxos', ...args).outcome;
    expect(exit).toEqual({ code: 0, killed: false, stderr: '' });
    await using runner = await SingleThreadedRunner.start(three as System<ParticipantClass>, { storage });
    await assertAllLearned(runner, three as System<ParticipantClass>, storage, proposals);
    expect(stdout.trim().split('\n')).toHaveLength(keys.length);
  },
);

/** Returns the number of messages that the first participant has sent. */
async function messagesIn(storage: StorageDescription): Promise<number> {
  await using ada = await three.open(Ada, { storage });
  await assertAgreement([ada], new Map(keys.map((key) => [key, ['ada', 'bob', 'cy']])));
  return await ada.log.head();
}
