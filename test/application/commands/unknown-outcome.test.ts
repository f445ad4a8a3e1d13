import { postgres } from 'kahn/postgres';
import { expect, test } from 'vitest';
import { CommitScene } from '../../storage/postgres/faults/commit-scene.ts';
import { connectionString } from '../../support/servers/postgres.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

const key = { idempotencyKey: 'k' };

/** Opens accounts whose commits are sent through the proxy of a scene. */
async function openIn({ schema, proxy }: CommitScene): Promise<Accounts> {
  const storage = postgres({ connectionString: proxy.url, schema, retryTimeoutMs: 1_000 });
  return await Accounts.open({ storage });
}

test('a save whose outcome was unknown and that is recorded resolves when it is sent again', async () => {
  await using scene = await CommitScene.prepare();
  await using accounts = await openIn(scene);
  await using elsewhere = await Accounts.open({
    storage: postgres({ connectionString, schema: scene.schema }),
  });
  scene.fate = () => {
    scene.proxy.isRefusing = true;
    return 'cut after';
  };
  const account = Account.open('ada');
  await expect(accounts.save(account, key)).rejects.toMatchObject({ code: 'STORAGE_OUTCOME_UNKNOWN' });
  scene.fate = () => 'pass';
  scene.proxy.isRefusing = false;
  const saved = await accounts.save(account, key);
  expect(saved).toMatchObject({ notificationId: 1, count: 1 });
  expect(await elsewhere.save(Account.open('ada'), key)).toEqual(saved);
  expect(await accounts.save(account.change(1))).toMatchObject({ notificationId: 2 }); // the object is up to date
});

test('a save whose outcome is unknown resolves if it is found to be recorded', async () => {
  await using scene = await CommitScene.prepare('cut after');
  await using accounts = await openIn(scene);
  const account = Account.open('ada', 'a');
  const saved = await accounts.save(account, key);
  expect(saved).toMatchObject({ notificationId: 1, count: 1 });
  const { result } = await accounts.update(Account, 'a', (one) => one.change(1).version, {
    idempotencyKey: 'u',
  });
  expect(result).toBe(2);
  expect(await accounts.log.head()).toBe(2);
});

test('a save whose outcome was unknown and that is not recorded is recorded when it is sent again', async () => {
  await using scene = await CommitScene.prepare();
  await using accounts = await openIn(scene);
  scene.fate = () => {
    scene.proxy.isRefusing = true;
    return 'cut before';
  };
  const account = Account.open('ada');
  await expect(accounts.save(account, key)).rejects.toMatchObject({ name: 'StorageError' });
  scene.fate = () => 'pass';
  scene.proxy.isRefusing = false;
  expect(await accounts.save(account, key)).toMatchObject({ notificationId: 1, count: 1 });
  expect(await accounts.save(account, key)).toMatchObject({ notificationId: 1, count: 1 });
});
