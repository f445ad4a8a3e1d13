import { postgres } from 'kahn/postgres';
import { expect, test } from 'vitest';
import { CommitScene } from '../../storage/postgres/faults/commit-scene.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';
import { until } from '../../support/until.ts';

test('the outcome of a commit is unknown for the saves that were sent, and for no others', async () => {
  await using scene = await CommitScene.prepare();
  const { schema, proxy } = scene;
  await using accounts = await Accounts.open({
    storage: postgres({ connectionString: proxy.url, schema, retryTimeoutMs: 1_000 }),
  });
  const codes = async (names: readonly string[]) => {
    const saves = await Promise.allSettled(names.map((name) => accounts.save(Account.open(name, name))));
    return saves.map((save) => (save.status === 'rejected' ? save.reason.code : 'saved'));
  };
  scene.fate = () => {
    proxy.isRefusing = true;
    return 'cut after';
  };
  const sent = codes(['a', 'b', 'c']);
  await until('the first commit is sent', () => scene.sent === 1);
  const waiting = codes(['d', 'e']);
  const unknown = 'STORAGE_OUTCOME_UNKNOWN';
  expect(await sent).toEqual([unknown, unknown, unknown]);
  scene.fate = () => 'pass';
  proxy.isRefusing = false;
  expect(await waiting).toEqual(['saved', 'saved']);
  const recorded = await accounts.log.select(0, 10);
  expect(recorded.map(({ originatorId }) => originatorId)).toEqual(['a', 'b', 'c', 'd', 'e']);
});
