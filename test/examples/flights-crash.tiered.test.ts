import { expect, test } from 'vitest';
import { airTravel } from '../../examples/flights/system.ts';
import { assertSound } from '../support/logs.ts';
import { randomNumbers } from '../support/random-numbers.ts';
import { seed } from '../support/seed.ts';
import { byTier } from '../support/tier.ts';
import type { Outcome } from './example-program.ts';
import {
  historiesIn,
  inDatabase,
  inDirectory,
  type JobStorage,
  logsIn,
  runJob,
  startJob,
} from './flights-job.ts';

const kills = byTier(3, 20);
const maxStartMs = 400;
const maxLineMs = 60;

/** Starts the job and kills it some time after it has printed a number of lines, unless it ends before. */
function killedAfter(lines: number, ms: number, { args }: JobStorage): Promise<Outcome> {
  const { child, outcome } = startJob('--size', '2k', ...args);
  const kill = () => setTimeout(() => child.kill('SIGKILL'), ms);
  let printed = 0;
  if (lines === 0) kill();
  child.stdout.on('data', (text) => {
    const before = printed;
    printed += `${text}`.split('\n').length - 1;
    if (before < lines && printed >= lines) kill();
  });
  return outcome;
}

/** Kills the job at a random moment: during its start, during or between two saves, or near its end. */
function killedSomewhere(random: () => number, location: JobStorage): Promise<Outcome> {
  const lines = Math.floor(random() * 8);
  return killedAfter(lines, random() * (lines === 0 ? maxStartMs : maxLineMs), location);
}

async function expectContiguous(location: JobStorage): Promise<void> {
  for (const log of Object.values(await logsIn(location))) {
    expect(log.map(({ id }) => id)).toEqual(log.map((_, i) => i + 1));
  }
}

const onSqlite = { name: 'SQLite', newLocation: async () => inDirectory() };
const onPostgres = { name: 'PostgreSQL', newLocation: () => inDatabase('flights_2k') };

test.each(byTier([onSqlite], [onSqlite, onPostgres]))(
  `killed ${kills} times, it ends with the same histories on $name`,
  async ({ newLocation }) => {
    const random = randomNumbers(seed);
    const unbroken = await newLocation();
    expect(await runJob('--size', '2k', ...unbroken.args)).toMatchObject({ code: 0 });
    const expected = await historiesIn(unbroken);

    for (let killed = 0; killed < kills; ) {
      // If the job finishes first, another job takes the remaining kills.
      const location = await newLocation();
      for (let done = false; !done; ) {
        const outcome = await (killed < kills
          ? killedSomewhere(random, location)
          : runJob('--size', '2k', ...location.args));
        await expectContiguous(location);
        done = !outcome.killed;
        if (outcome.killed) killed += 1;
        else expect(outcome).toMatchObject({ code: 0, stderr: '' });
      }
      expect(await historiesIn(location)).toEqual(expected);
      await assertSound(location.storage, airTravel);
    }
  },
  120_000,
);
