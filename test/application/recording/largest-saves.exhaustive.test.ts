import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { limits } from '../../../src/storage/limits.ts';
import { forThreads } from '../../../src/storage/memory/storage.ts';
import { storages } from '../../support/storages.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

const shared = {
  name: 'memory that threads share',
  create: () => memory(),
  share: ({ options }: ReturnType<typeof memory>) => void forThreads(options),
};
const cases = [...storages.map((one) => ({ ...one, share: () => {} })), shared];

/** Characters that double when JSON is escaped, which drivers and journals do once more. */
const quotes = (count: number) => '"'.repeat(count);
/** Returns a text for a change whose JSON has a length. */
function textFor(length: number): string {
  const rest = length - JSON.stringify({ by: '' }).length;
  return quotes(Math.floor(rest / 2)) + 'x'.repeat(rest % 2);
}

test.for(cases)('takes a save of the largest size, and none above: $name', async ({ create, share }) => {
  const storage = create();
  await using accounts = await Accounts.open({ storage, cacheSize: 0 });
  share(storage);
  const account = Account.open('ada');
  await accounts.save(account);
  const refused = accounts.save(Account.open('eve'), account.change(textFor(limits.saveBytes)));
  await expect(refused).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', value: 'save' });
  const again = await accounts.repository.get(Account, account.id);
  await accounts.save(again.change(textFor(limits.saveBytes)));
  const [largest] = await accounts.log.select(1, 1);
  expect(largest?.data.length).toBe(limits.saveBytes);
});

test.for(storages)('takes large saves at the same time, also with snapshots: $name', async ({ create }) => {
  await using accounts = await Accounts.open({ storage: create(), cacheSize: 0 });
  const large = (text: string) => Account.open('ada').change(1).change(2).change(3).change(text);
  const texts = [quotes(15_000_000), 'x'.repeat(60_000_000), 'é'.repeat(25_000_000), quotes(35_000_000)];
  const saves = [Account.open('bob'), ...texts.map(large), large(quotes(70_000_000)), Account.open('eve')];
  const results = await Promise.allSettled(saves.map((account) => accounts.save(account)));
  const outcomes = results.map((one) =>
    one.status === 'rejected' ? one.reason.code : one.value.notificationId,
  );
  expect(outcomes).toEqual([1, 6, 11, 16, 21, 'LIMIT_EXCEEDED', 22]);
});

test('names the limit for data that no string can hold', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const part = 'x'.repeat(10_000_000);
  const save = accounts.save(Account.open('ada').change(new Array(60).fill(part)), Account.open('bob'));
  await expect(save).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    value: 'save',
    limit: limits.saveBytes,
  });
  expect(await accounts.log.head()).toBe(0);
});
