import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/storages.ts';
import { byTier } from '../support/tier.ts';
import { startExample } from './example-program.ts';

const committed = new URL('../../docs/simulation.svg', import.meta.url);

/** The size of the data in each tier, and what the program prints. */
const { size, lines } = byTier(
  { size: '2k', lines: [/Flights +2,000\n/, /All \d+ figures equal those of a direct pass/] },
  {
    size: '10k',
    lines: [
      /Flights +10,000\n/,
      /Claims +43\n/,
      /Payouts +43\n/,
      /Euros paid +12,250\n/,
      /longest +10 h 43 min\n/,
      /Finished at +13:39 \+ 1 d\n/,
      /Events +30,172\n/,
      /All 879 figures equal those of a direct pass/,
    ],
  },
);

test(`the simulated day of ${size} flights has the figures of a direct pass, and the same output with threads`, async () => {
  const directory = temporaryDirectory();
  const [single, threads] = ['single.svg', 'threads.svg'].map((name) => join(directory, name));
  const simulate = (...args: readonly string[]) =>
    startExample('simulation', '--size', size, ...args).outcome;
  const [one, many] = await Promise.all([
    simulate('--svg', single!),
    simulate('--threads', '--svg', threads!),
  ]);
  expect(one.code).toBe(0);
  expect(one.stderr).toMatch(
    /^ {2}[\d,]+ ticks in [\d.]+ s in a single thread: [\d,]+ ticks per second\.\n\n$/,
  );
  for (const line of lines) expect(one.stdout).toMatch(line);
  expect(many).toMatchObject({ code: 0, stdout: one.stdout });
  expect(many.stderr).toContain('a thread for each follower');
  const drawn = readFileSync(single!, 'utf8');
  expect(readFileSync(threads!, 'utf8')).toBe(drawn);
  if (size !== '10k') return;
  expect(one.stderr).toMatch(/^ {2}2,260 ticks in /);
  // To update the file: npm run simulate -- --svg docs/simulation.svg
  expect(drawn).toBe(readFileSync(committed, 'utf8'));
});
