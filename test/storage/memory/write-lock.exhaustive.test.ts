import { expect, it } from 'vitest';
import { Journal } from '../../../src/storage/memory/shared/journal.ts';
import { SharableMemory } from '../../../src/storage/memory/shared/sharable-memory.ts';

it('a thread that could not take the write lock in time records afterwards', async () => {
  const memory = new SharableMemory('orders');
  const { lockWord } = new Journal(memory.share(1_000_000));
  const threadId = 98;
  Atomics.store(lockWord, 0, threadId + 1);
  await expect(memory.lock()).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
  memory.threadEnded(threadId);
  const event = { originatorId: 'a', originatorVersion: 1, type: 'Made', data: '{}', timestamp: 0 };
  expect(await memory.record(0, [{ events: [event], snapshots: [] }])).toBe(1);
});
