import { getEventListeners } from 'node:events';
import {
  defineResources,
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  run,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  System,
} from 'kahn';
import { RestateRunner } from 'kahn/restate';
import { beforeEach, describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { notesByOpener } from '../../support/systems/with-resources/journal.ts';
import { Customers, letters, type Mail } from '../../support/systems/with-resources/letters.ts';
import { storeFlagsIn } from '../multi-threaded/file-flags.ts';

beforeEach(() => storeFlagsIn(temporaryDirectory()));

/** A mail service that keeps what it sends, and must not be closed. */
class FakeMail implements Mail {
  readonly sent: string[] = [];
  async send(text: string) {
    this.sent.push(text);
  }
  [Symbol.dispose]() {
    this.sent.push('disposed');
  }
}

describe.each([
  ['run()', run],
  ['SteppingSingleThreadedRunner', SteppingSingleThreadedRunner.start.bind(SteppingSingleThreadedRunner)],
] as const)('%s', (_, start) => {
  test('replaces resources, and opens the others', async () => {
    const mail = new FakeMail();
    {
      await using runner = await start(letters, { storage: memory(), resources: { mail } });
      await runner.get(Customers).join('ada');
      await runner.caughtUp();
      expect(runner.get(Customers).resources.desk.greeting).toBe('Dear');
    }
    expect(mail.sent).toEqual(['Dear ada']);
    expect(notesByOpener()).toEqual([['open desk', 'close desk']]);
  });

  test('refuses to replace what is not defined, before it opens anything', async () => {
    const resources = { mial: 'smtp://user:secret@mail.example' } as object;
    await expect(start(letters, { resources })).rejects.toThrow(
      "Unknown resource 'mial' in option 'resources'. Did you mean 'mail'? The system defines: desk, mail.",
    );
    await expect(start(letters, { resources: 'smtp://secret' as never })).rejects.toThrow(
      'to be an object of resources by name, got a string.',
    );
    expect(notesByOpener()).toEqual([]);
    await (await start(letters)).close(); // which the failed starts have not claimed
  });
});

test.each([MultiThreadedRunner, MultiprocessRunner, SteppingMultiThreadedRunner, RestateRunner])(
  '%o refuses to replace resources, with the reason',
  async (runner) => {
    const starting = runner.start(letters, { resources: { mail: new FakeMail() } });
    await expect(starting).rejects.toThrow(`${runner.name} takes no option 'resources'`);
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  },
);

test('repeated starts close every resource, and leave no listener at their signal', async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i += 1) await (await run(letters, { signal })).close();
  expect(notesByOpener()).toEqual(Array(20).fill(['open desk', 'open mail', 'close mail', 'close desk']));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('close() rejects with the error of a resource that cannot be closed, and closes everything else', async () => {
  const closed: string[] = [];
  const resources = defineResources({
    first: ({ onClose }) => onClose(() => closed.push('first')),
    broken: ({ onClose }) => onClose(() => Promise.reject(new Error('still in use'))),
  });
  const system = System.of([Orders], { resources });
  const runner = await run(system);
  await expect(runner.close()).rejects.toThrow("Resource 'broken' cannot be closed: still in use");
  expect(closed).toEqual(['first']);
  await expect((await run(system)).close()).rejects.toThrow('still in use'); // the system was free again
});

test('an application that is opened without a runner opens and closes its resources', async () => {
  const desk = { id: '1', greeting: 'Hello' };
  const resources = defineResources({ desk: ({ onClose }) => onClose(() => closed.push('desk')) ?? desk });
  const closed: string[] = [];
  const customers = await Customers.open({ storage: memory(), resources });
  await customers.join('ada');
  expect(customers.resources.desk).toBe(desk);
  expect(closed).toEqual([]);
  await customers.close();
  expect(closed).toEqual(['desk']);
  expect(() => customers.resources).toThrow('is closed');

  const opened = await letters.open(Customers, { resources: { desk, mail: new FakeMail() } });
  expect(opened.resources.desk).toBe(desk);
  await opened.close();
  expect(notesByOpener()).toEqual([]);
});
