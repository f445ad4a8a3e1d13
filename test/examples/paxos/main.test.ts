import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';
import { startExample } from '../example-program.ts';

test('the program prints the same values for each key when it is started again, with other proposals', async () => {
  const args = ['--database', join(temporaryDirectory(), 'paxos.db'), '--keys', '3'];
  const first = await startExample('paxos', ...args).outcome;
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const lines = first.stdout.trim().split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^seat \d: (\w+), \1, \1$/);
  expect(await startExample('paxos', ...args, '--threads').outcome).toEqual(first);
});
