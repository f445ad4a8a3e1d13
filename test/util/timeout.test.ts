import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { resolvesWithin } from '../../src/util/timeout.ts';

test('a timeout longer than any timer does not fire immediately', async () => {
  expect(await resolvesWithin(delay(50), 2 ** 31)).toBe(true);
  expect(await resolvesWithin(delay(50), Number.MAX_SAFE_INTEGER)).toBe(true);
});

test('messages that arrived while the thread was busy are not late', async () => {
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((resolve) => port1.addEventListener('message', resolve, { once: true }));
  port1.start();
  await nextTurn(); // timers come first now
  const inTime = resolvesWithin(heard, 10);
  port2.postMessage('in time');
  for (const start = performance.now(); performance.now() - start < 50; );
  expect(await inTime).toBe(true);
  port1.close();
  expect(await resolvesWithin(new Promise(() => {}), 10)).toBe(false);
});
