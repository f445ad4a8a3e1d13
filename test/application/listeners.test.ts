import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a listener that throws affects neither the save nor the other listeners', () => {
  const script = `
    import { memory } from 'kahn';
    import { Account, Accounts } from './test/support/systems/accounts.ts';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    await using accounts = await Accounts.open({ storage: memory() });
    accounts.subscribe(() => { throw new Error('of the listener'); });
    accounts.subscribe(({ head }) => console.log('head', head));
    await accounts.save(Account.open('ada'));
    console.log('saved', await accounts.log.head());`;
  const output = execFileSync(
    process.execPath,
    ['--conditions=kahn-source', '--input-type=module-typescript', '-'],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
      input: script,
    },
  );
  expect(output.trim().split('\n').sort()).toEqual(['head 1', 'saved 1', 'uncaught of the listener']);
});
