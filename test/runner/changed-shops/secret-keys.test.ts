import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { MessagePort, Worker } from 'node:worker_threads';
import { MultiprocessRunner, MultiThreadedRunner, run } from 'kahn';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { secretKey, showsKey } from '../../support/systems/changed/secret-key.ts';
import { sealedShop } from '../../support/systems/changed/shops.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';

function shown(value: unknown): string {
  const everything = { depth: 30, showHidden: true, maxArrayLength: null, maxStringLength: null };
  return inspect(value, everything);
}

/** Notes the messages that this thread sends to others. */
function notedMessages(): string[] {
  const messages: string[] = [];
  for (const { prototype } of [MessagePort, Worker]) {
    const send = prototype.postMessage;
    const spy = vi.spyOn(prototype, 'postMessage').mockImplementation(function (this: never, ...args) {
      messages.push(shown(args));
      return send.apply(this, args as never);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return messages;
}

/** Notes the messages to child processes, which get their method `send` after they are made. */
function noteMessagesTo(child: ChildProcess, messages: string[]): void {
  let noting: ChildProcess['send'];
  Object.defineProperty(child, 'send', {
    get: () => noting,
    set: (send: ChildProcess['send']) => {
      noting = ((...args: Parameters<ChildProcess['send']>) => {
        messages.push(shown(args));
        return send.apply(child, args);
      }) as ChildProcess['send'];
    },
  });
}

test('the search for a key finds it in every form', () => {
  const forms = [secretKey, Buffer.from(secretKey), { keys: { k1: secretKey } }, [...secretKey]];
  for (const form of forms) expect([showsKey(shown(form)), showsKey(JSON.stringify(form))]).toContain(true);
  expect(showsKey(Buffer.from(secretKey).toString('base64'))).toBe(true);
  expect(showsKey(shown(sealedShop))).toBe(false);
});

test('threads get no key in their data and messages', async () => {
  const messages = notedMessages();
  await using runner = await MultiThreadedRunner.start(sealedShop, { storage: temporarySqlite() });
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect(messages.filter((message) => message.includes('sealedShop'))).not.toEqual([]); // the data of the threads
  expect(messages.filter(showsKey)).toEqual([]);
  expect(showsKey(shown([await runner.status(), runner]))).toBe(false);
});

test('processes get no key in their arguments, environment and messages', async () => {
  const messages: string[] = [];
  const children = watchProcesses((child) => noteMessagesTo(child, messages));
  await using runner = await MultiprocessRunner.start(sealedShop, { storage: temporarySqlite() });
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  const files = [...children].flatMap(({ pid }) =>
    ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1')),
  );
  expect(files.length).toBe(6);
  expect(messages.filter((message) => message.includes('sealedShop'))).not.toEqual([]);
  expect([...files, ...messages].filter(showsKey)).toEqual([]);
});

test('a runner whose keys cannot be read does not start', async () => {
  const storage = temporarySqlite();
  const broken = Object.assign(Object.create(sealedShop) as typeof sealedShop, {
    encryption: {
      keys: () => {
        throw new Error('key service: connection refused');
      },
    },
  });
  await expect(run(broken, { storage })).rejects.toMatchObject({
    code: 'STORAGE_UNREACHABLE',
    message: expect.stringContaining(
      "the option 'keys' of encryption failed: key service: connection refused",
    ),
  });
});
