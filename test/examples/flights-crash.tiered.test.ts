import { expect, test } from 'vitest';
import { randomNumbers } from '../support/random-numbers.ts';
import { seed } from '../support/seed.ts';
import { byTier } from '../support/tier.ts';
import type { Outcome } from './example-program.ts';
import {
  historiesIn,
  inDatabase,
  inDirectory,
  logsIn,
  runJob,
  startJob,
  type TestedPlace,
} from './flights-job.ts';

const kills = byTier(3, 20);
const maxStartMs = 400;
const maxLineMs = 60;

/** Starts the job and kills it some time after it has said so many lines, unless it ends before. */
function killedAfter(lines: number, ms: number, { args }: TestedPlace): Promise<Outcome> {
  const { child, outcome } = startJob('--size', '2k', ...args);
  const kill = () => setTimeout(() => child.kill('SIGKILL'), ms);
  let said = 0;
  if (lines === 0) kill();
  child.stdout.on('data', (text) => {
    const before = said;
    said += `${text}`.split('\n').length - 1;
    if (before < lines && said >= lines) kill();
  });
  return outcome;
}

/** One of the moments spread over a run: while it starts, in or between two of its saves, or near its end. */
function killedSomewhere(random: () => number, place: TestedPlace): Promise<Outcome> {
  const lines = Math.floor(random() * 8);
  return killedAfter(lines, random() * (lines === 0 ? maxStartMs : maxLineMs), place);
}

async function expectContiguous(place: TestedPlace): Promise<void> {
  for (const log of Object.values(await logsIn(place))) {
    expect(log.map(({ id }) => id)).toEqual(log.map((_, i) => i + 1));
  }
}

const onSqlite = { name: 'SQLite', newPlace: async () => inDirectory() };
const onPostgres = { name: 'PostgreSQL', newPlace: () => inDatabase('flights_2k') };

test.each(byTier([onSqlite], [onSqlite, onPostgres]))(
  `killed ${kills} times, it ends with the same histories on $name`,
  async ({ newPlace }) => {
    const random = randomNumbers(seed);
    const unbroken = await newPlace();
    expect(await runJob('--size', '2k', ...unbroken.args)).toMatchObject({ code: 0 });
    const expected = await historiesIn(unbroken);

    for (let killed = 0; killed < kills; ) {
      // When the job gets done in spite of it, another one takes the kills that are left.
      const place = await newPlace();
      for (let done = false; !done; ) {
        const outcome = await (killed < kills
          ? killedSomewhere(random, place)
          : runJob('--size', '2k', ...place.args));
        await expectContiguous(place);
        done = !outcome.killed;
        if (outcome.killed) killed += 1;
        else expect(outcome).toMatchObject({ code: 0, stderr: '' });
      }
      expect(await historiesIn(place)).toEqual(expected);
    }
  },
  120_000,
);
