import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { listOperations, run, shred, shredded, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { letters, Subscriber, Subscribers } from '../support/personal/letters.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { until } from '../support/until.ts';

const because = { by: 'support', reason: 'erasure request 17' };

test('finishes a shredding whose process was killed behind its record', async () => {
  const directory = temporaryDirectory();
  const storage = sqlite({ directory, synchronous: 'NORMAL' });
  const runner = await run(letters, { storage });
  const ada = Subscriber.join('c-1', { name: 'Ada', email: 'ada@mail.example' });
  await runner.get(Subscribers).save(ada);
  await runner.close();
  const kinds = async () => {
    const found: string[] = [];
    for await (const { kind } of listOperations(storage, letters)) found.push(kind);
    return found;
  };
  const readName = async () => {
    await using subscribers = await letters.open(Subscribers, { storage });
    return (await subscribers.repository.get(Subscriber, ada.id)).contact?.map(({ name }) => name).value;
  };

  const keys = new DatabaseSync(join(directory, 'subject-keys.db'));
  onTestFinished(() => keys.close());
  keys.exec('begin immediate'); // the deletion of the key waits
  const program = new URL('./shred-program.ts', import.meta.url);
  const child = fork(program, [directory, 'c-1'], { execArgv: ['--conditions=kahn-source'] });
  const ended = once(child, 'exit');
  await until('the operation is recorded', async () => (await kinds()).length > 0);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  keys.exec('rollback');
  expect(await readName()).toBe('Ada');

  expect(await shred(storage, letters, 'c-1', because)).toBe(true);
  expect(await readName()).toBe(shredded);
  expect(await kinds()).toEqual(['shred', 'shred']);
  expect((await verify(storage, letters)).faults).toEqual([]);
});
