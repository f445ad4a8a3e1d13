import { expect, test } from 'vitest';
import { storages } from '../../../support/storages.ts';
import { Account, Accounts } from '../../../support/systems/accounts.ts';
import { byTier } from '../../../support/tier.ts';
import { messagesOf, startChild } from './start-child.ts';

interface Report {
  readonly calls: number;
  readonly versions: readonly number[];
}

const processes = byTier(2, 4);
const callers = byTier(10, 25);
const callsEach = byTier(1, 4);

test.for(storages.filter(({ name }) => name !== 'memory'))(
  'concurrent updates of one aggregate in several processes succeed, and none is lost: $name',
  async ({ create }, { annotate }) => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await accounts.save(Account.open('ada', 'a'));
    const task = { kind: 'update', storage, callers, callsEach } as const;
    const children = await Promise.all(Array.from({ length: processes }, () => startChild(task)));
    const reports = (await messagesOf(children)).flat() as unknown as readonly Report[];
    const count = processes * callers * callsEach;
    const versions = reports.flatMap((report) => report.versions).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: count }, (_, i) => i + 2));
    expect((await accounts.repository.get(Account, 'a')).version).toBe(count + 1);
    await annotate(`${reports.reduce((sum, { calls }) => sum + calls, 0)} tries for ${count} updates`);
  },
);
