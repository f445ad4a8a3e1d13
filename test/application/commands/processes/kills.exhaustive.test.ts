import { once } from 'node:events';
import { expect, test } from 'vitest';
import { randomNumbers } from '../../../support/random-numbers.ts';
import { seed } from '../../../support/seed.ts';
import { storages } from '../../../support/storages.ts';
import { Account, Accounts } from '../../../support/systems/accounts.ts';
import { inTime } from '../../../support/until.ts';
import type { Answer, Message, Task } from './command-child.ts';
import { startChild } from './start-child.ts';

const keys = Array.from({ length: 40 }, (_, i) => `${i}`);
const kills = 12;

test.for(storages.filter(({ name }) => name !== 'memory'))(
  'every key has one outcome, whichever processes are killed while they send it: $name',
  async ({ create }) => {
    const random = randomNumbers(seed);
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await accounts.save(Account.open('ada', 'a'));
    const task: Task = { kind: 'keys', storage, keys };
    const answers: Answer[] = [];
    const rounds = await Promise.all(
      Array.from({ length: 3 }, async () => {
        let killed = 0;
        while (killed < kills / 3) killed += await sendAndKill(task, answers, Math.floor(random() * 60));
        return killed;
      }),
    );
    expect(rounds).toEqual([4, 4, 4]);
    const before = answers.length;
    expect(await sendAndKill(task, answers, Infinity)).toBe(0);
    expect(answers.length - before).toBe(3 * keys.length);

    const byKey = Map.groupBy(answers, ({ key }) => key);
    for (const [key, [first, ...others] = []] of byKey)
      for (const { outcome } of others) expect(outcome, key).toEqual(first?.outcome);
    const places = [...byKey.values()].map((all) => (all[0] as Answer).outcome.notificationId);
    expect(places.sort((a, b) => a - b)).toEqual(Array.from({ length: 3 * keys.length }, (_, i) => i + 2));
    expect(await accounts.log.head()).toBe(1 + 3 * keys.length);
    expect((await accounts.repository.get(Account, 'a')).changes.toSorted()).toEqual(keys.toSorted());
  },
);

/**
 * Starts a process that sends all commands, and kills it after a number of answers. Adds its answers, and resolves with 1
 * if it was killed before its end.
 */
async function sendAndKill(task: Task, answers: Answer[], after: number): Promise<number> {
  const child = await startChild(task);
  let count = 0;
  let isDone = false;
  const isKilled = () => count >= after && !isDone;
  const killIfDue = () => isKilled() && child.kill('SIGKILL');
  child.on('message', (message: Message) => {
    if (message === 'done') {
      isDone = true;
      child.disconnect();
    } else {
      answers.push(message as Answer);
      count += 1;
      killIfDue();
    }
  });
  child.send('go');
  setTimeout(killIfDue, 1); // also before the first answer
  const [, signal] = await once(child, 'exit', { signal: inTime() });
  return signal === 'SIGKILL' ? 1 : 0;
}
