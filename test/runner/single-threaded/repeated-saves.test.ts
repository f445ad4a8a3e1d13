import { type Aggregate, DownstreamError, memory, ProcessApplication, run, System } from 'kahn';
import { expect, test } from 'vitest';
import { Account, type AccountEvent, Accounts } from '../../support/systems/accounts.ts';

/** Follows accounts, and handles nothing before it may. */
class Audit extends ProcessApplication<never, AccountEvent> {
  static readonly applicationName = 'audit';
  static readonly emits = [];
  static gate: Promise<void> = Promise.resolve();
  static handled = 0;

  override readonly policy = this.when({
    'Account.Opened': async (): Promise<readonly Aggregate<never>[]> => {
      await Audit.gate;
      Audit.handled += 1;
      return [];
    },
  });
}

const key = { idempotencyKey: 'k' };

test('a repeated save and a repeated update wait until what follows from the first is processed', async () => {
  await using runner = await run(System.of([[Accounts, Audit]]), { storage: memory() });
  const accounts = runner.get(Accounts);
  const { promise, resolve } = Promise.withResolvers<void>();
  Audit.gate = promise;
  Audit.handled = 0;
  const create = () => Account.open('bob', 'b');
  const send = () => [
    accounts.save(Account.open('ada'), key),
    accounts.update(Account, 'b', () => 1, { idempotencyKey: 'u', create }),
  ];
  const handled: number[] = [];
  const all = [...send(), ...send()].map((sent) => sent.then(() => handled.push(Audit.handled)));
  const recorded = new Promise<void>((done) => accounts.subscribe(({ head }) => head === 2 && done()));
  await recorded;
  const repeated = send().map((sent) => sent.then(() => handled.push(Audit.handled)));
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect(handled).toEqual([]);
  resolve();
  await Promise.all([...all, ...repeated]);
  expect(handled).toHaveLength(6);
  expect(Math.min(...handled)).toBeGreaterThan(0);
  expect(Audit.handled).toBe(2);
});

test('a repeated save rejects as the first did if a follower has failed', async () => {
  await using runner = await run(System.of([[Accounts, Audit]]), { storage: memory() });
  Audit.gate = Promise.reject(new Error('the audit fails'));
  Audit.gate.catch(() => {});
  for (let i = 0; i < 2; i += 1)
    await expect(runner.get(Accounts).save(Account.open('ada'), key)).rejects.toThrow(DownstreamError);
  expect(await runner.get(Accounts).log.head()).toBe(1);
});
