// Process forked by start-child.ts: `command-child.ts <task as JSON>`.

import { nameId, type Saved, type StorageDescription } from 'kahn';
import { Account, Accounts } from '../../../support/systems/accounts.ts';

/** What a process does on a message, and tells in messages. */
export type Task = {
  readonly storage: StorageDescription;
} & (
  | { readonly kind: 'update'; readonly callers: number; readonly callsEach: number }
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
);

/** What an update or a command with a key has resolved with. */
export interface Answer {
  readonly key: string;
  readonly outcome: Saved;
}

export type Message =
  | 'ready'
  | 'done'
  | { readonly calls: number; readonly versions: readonly number[] }
  | Answer;

const task = JSON.parse(process.argv[2] ?? '') as Task;
const accounts = await Accounts.open({ storage: task.storage });
const tell = (message: Message) => void process.send?.(message);

process.on('disconnect', () => process.exit());
process.once('message', async () => {
  if (task.kind === 'update') tell(await updateAtOnce(task.callers, task.callsEach));
  else await Promise.all(task.keys.map(sendAll));
  tell('done');
});
tell('ready');

/** Updates one account by concurrent callers, each of them several times. */
async function updateAtOnce(callers: number, callsEach: number) {
  let calls = 0;
  const versions: number[] = [];
  const caller = async () => {
    for (let i = 0; i < callsEach; i += 1) {
      const { result } = await accounts.update(Account, 'a', (account) => {
        calls += 1;
        return account.change(process.pid).version;
      });
      versions.push(result);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { calls, versions };
}

/** Sends the commands of a key: an update, a save with a derived id and one with a random id. */
async function sendAll(key: string): Promise<void> {
  const change = (account: Account) => ({ version: account.change(key).version, by: process.pid });
  await Promise.all([
    answer(`update ${key}`, (idempotencyKey) => accounts.update(Account, 'a', change, { idempotencyKey })),
    answer(`derived ${key}`, (idempotencyKey) =>
      accounts.save(Account.open(key, nameId('account', key)), { idempotencyKey }),
    ),
    answer(`random ${key}`, (idempotencyKey) => accounts.save(Account.open(key), { idempotencyKey })),
  ]);
}

/** Sends a command until it is recorded, and tells the outcome. */
async function answer(key: string, command: (key: string) => Promise<Saved>): Promise<void> {
  for (;;) {
    try {
      return tell({ key, outcome: await command(key) });
    } catch (error) {
      if (!(error as { readonly transient?: boolean }).transient) throw error;
    }
  }
}
