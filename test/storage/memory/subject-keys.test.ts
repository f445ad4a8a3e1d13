import { memory } from 'kahn';
import { expect, it } from 'vitest';
import { Journal } from '../../../src/storage/memory/shared/journal.ts';
import { SubjectJournal } from '../../../src/storage/memory/shared/subject-journal.ts';
import { MemorySubjectKeys } from '../../../src/storage/memory/subject-keys.ts';
import { openStorage, type StorageDescription, storageForThreads } from '../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../src/storage/subject-keys.ts';
import { asElsewhere } from './spread-memory.ts';

async function openKeys(storage: StorageDescription): Promise<SubjectKeyTable> {
  return (await openStorage(storage)).openSubjectKeys!({ setupTables: false });
}

const ada = { subject: 'ada', key: 'key of ada' };
const bo = { subject: 'bo', key: 'key of bo' };

function has(shared: SharedArrayBuffer, { key }: { readonly key: string }): boolean {
  return Buffer.from(shared).includes(key);
}

it('deletes the bytes of a key in the memory that threads share', async () => {
  const storage = memory();
  const home = await openKeys(storage);
  await home.add([ada, bo]);
  const forThreads = await storageForThreads(storage);
  const elsewhere = await openKeys(asElsewhere(forThreads));
  const shared = forThreads.options.subjects as SharedArrayBuffer;
  expect([has(shared, ada), has(shared, bo)]).toEqual([true, true]);
  expect(await elsewhere.delete('ada', 1)).toBe(true);
  expect([has(shared, ada), has(shared, bo)]).toEqual([false, true]);
  expect(await home.read(['ada', 'bo'])).toEqual([{ subject: 'ada', key: undefined }, bo]);
});

it('deletes the bytes of a key for a thread that ended before it did', async () => {
  const { shared } = SubjectJournal.create();
  const keys = new MemorySubjectKeys(new SubjectJournal(shared));
  await keys.add([ada]);
  const journal = new Journal(shared); // of a thread that commits the deletion, and ends
  journal.commit(journal.write({ head: JSON.stringify(['ada', 7]), body: '' }));
  expect(has(shared, ada)).toBe(true);
  expect(await keys.read(['ada'])).toEqual([{ subject: 'ada', key: undefined }]);
  expect(has(shared, ada)).toBe(false);
  const later = new MemorySubjectKeys(new SubjectJournal(shared));
  expect(await later.deleted(0, 10)).toEqual([{ number: 1, subject: 'ada', timestamp: 7 }]);
  expect(await later.delete('ada', 8)).toBe(false);
});

it('adds nothing of a call that does not fit, and stays usable', async () => {
  const keys = new MemorySubjectKeys(SubjectJournal.create(200));
  await keys.add([ada]);
  const large = { subject: 'large', key: 'k'.repeat(200) };
  const full = { code: 'STORAGE_FULL', applicationName: '', transient: true };
  await expect(keys.add([bo, large])).rejects.toMatchObject(full);
  expect(await keys.read(['ada', 'bo', 'large'])).toEqual([ada, undefined, undefined]);
  expect(await keys.add([bo])).toEqual([bo]);
  expect(await keys.delete('ada', 1)).toBe(true);
});

it('is shared with threads although it is opened later, and refused elsewhere', async () => {
  const storage = memory();
  await (await openStorage(storage)).openRecorder({ applicationName: 'orders', setupTables: true });
  const forThreads = await storageForThreads(storage);
  const elsewhere = await openKeys(asElsewhere(forThreads));
  await elsewhere.add([ada]);
  const again = await openKeys(asElsewhere(await storageForThreads(asElsewhere(forThreads))));
  expect(await again.read(['ada'])).toEqual([ada]);
  expect(await (await openKeys(storage)).read(['ada'])).toEqual([ada]);
  const { module } = storage;
  await expect(openKeys({ module, options: { id: 'made elsewhere' } })).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
  });
});
