import assert from 'node:assert/strict';
import type { SubjectKeyTable } from '../../../storage/index.ts';
import { longNames, unusualNames } from '../extremes.ts';
import { event, processEvent } from '../fixture.ts';
import type { Test, TestedStorage } from '../tested-storage.ts';

type TableTest = (
  name: string,
  body: (keys: SubjectKeyTable, other: SubjectKeyTable, storage: TestedStorage) => Promise<void>,
) => void;

/** The table with the keys of subjects of personal data. */
export function subjectKeys(test: Test): void {
  const testTables: TableTest = (name, body) =>
    test(name, async (storage) => {
      await body(await storage.openSubjectKeys(), await storage.openSubjectKeys(), storage);
    });
  adding(testTables);
  deleting(testTables);
  concurrency(testTables);
  opening(testTables);
}

function keyOf(subject: string): { readonly subject: string; readonly key: string } {
  return { subject, key: `key of ${subject}` };
}

function deletedKeyOf(subject: string): { readonly subject: string; readonly key: undefined } {
  return { subject, key: undefined };
}

/** Adding and reading. */
function adding(test: TableTest): void {
  test('keep the first key of a subject', async (keys, other) => {
    assert.deepEqual(await keys.read(['ada', 'bo']), [undefined, undefined]);
    assert.deepEqual(await keys.add([keyOf('bo'), keyOf('ada')]), [keyOf('bo'), keyOf('ada')]);
    const later = { subject: 'ada', key: 'later' };
    assert.deepEqual(await other.add([later, keyOf('cy')]), [keyOf('ada'), keyOf('cy')]);
    assert.deepEqual(await other.add([keyOf('di'), { subject: 'di', key: 'second' }]), [
      keyOf('di'),
      keyOf('di'),
    ]);
    for (const one of [keys, other]) {
      const found = await one.read(['cy', 'x', 'ada', 'di', 'cy', 'Ada']);
      assert.deepEqual(found, [keyOf('cy'), undefined, keyOf('ada'), keyOf('di'), keyOf('cy'), undefined]);
      assert.deepEqual([await one.read([]), await one.add([])], [[], []]);
    }
  });

  test('may be of unusual and long subjects', async (keys, other) => {
    const subjects = [...unusualNames, ...longNames];
    const large = { subject: 'large', key: 'k'.repeat(10_000) };
    assert.deepEqual(await keys.add([...subjects.map(keyOf), large]), [...subjects.map(keyOf), large]);
    assert.deepEqual(await other.read([...subjects, 'large']), [...subjects.map(keyOf), large]);
    for (const subject of subjects) assert.equal(await other.delete(subject, 1), true);
    assert.deepEqual(
      (await keys.deleted(0, 1_000)).map(({ subject }) => subject),
      subjects,
    );
  });

  test('may be thousands in a call', async (keys, other) => {
    const subjects = Array.from({ length: 3_000 }, (_, index) => `subject ${index}`);
    assert.deepEqual(await keys.add(subjects.map(keyOf)), subjects.map(keyOf));
    assert.deepEqual(await other.read(subjects), subjects.map(keyOf));
  });
}

/** Deletion of keys. */
function deleting(test: TableTest): void {
  test('are deleted permanently', async (keys, other) => {
    await keys.add([keyOf('ada'), keyOf('bo')]);
    assert.equal(await other.delete('ada', 1_700_000_000_000), true);
    assert.equal(await keys.delete('ada', 1_700_000_000_001), false);
    assert.equal(await keys.delete('unknown', 1_700_000_000_002), true);
    assert.equal(await other.delete('unknown', 1_700_000_000_003), false);
    for (const one of [keys, other]) {
      const entries = [deletedKeyOf('ada'), keyOf('bo'), deletedKeyOf('unknown')];
      assert.deepEqual(await one.read(['ada', 'bo', 'unknown']), entries);
      assert.deepEqual(await one.add(['ada', 'bo', 'unknown'].map(keyOf)), entries);
    }
  });

  test('have numbered deletions, read page by page', async (keys, other) => {
    assert.deepEqual(await keys.deleted(0, 10), []);
    await keys.add(['a', 'b', 'c', 'd'].map(keyOf));
    for (const [index, subject] of ['c', 'a', 'x', 'd'].entries())
      await (index % 2 === 0 ? keys : other).delete(subject, index - 1);
    await keys.delete('a', 99);
    const all = ['c', 'a', 'x', 'd'].map((subject, index) => ({
      number: index + 1,
      subject,
      timestamp: index - 1,
    }));
    for (const one of [keys, other]) {
      assert.deepEqual(await one.deleted(0, 10), all);
      assert.deepEqual(await one.deleted(1, 2), all.slice(1, 3));
      assert.deepEqual(
        [await one.deleted(4, 10), await one.deleted(0, 0), await one.deleted(9, 1)],
        [[], [], []],
      );
      assert.deepEqual(await one.deleted(3, Number.MAX_SAFE_INTEGER), all.slice(3));
    }
  });
}

/** Several tables in use at the same time. */
function concurrency(test: TableTest): void {
  test('of concurrent calls are the same for all', async (keys, other) => {
    const subjects = Array.from({ length: 10 }, (_, index) => `subject ${index}`);
    const calls = Array.from({ length: 8 }, (_, index) =>
      (index % 2 === 0 ? keys : other).add(
        (index % 4 < 2 ? subjects : subjects.toReversed()).map((subject) => ({
          subject,
          key: `${subject} by ${index}`,
        })),
      ),
    );
    const recorded = await keys.read(subjects);
    const after = await Promise.all(calls);
    const final = await other.read(subjects);
    for (const entries of after)
      for (const entry of entries) assert.ok(final.some((one) => isSame(one, entry)));
    for (const [index, entry] of recorded.entries())
      if (entry !== undefined) assert.deepEqual(entry, final[index]);
  });

  test('are deleted by exactly one of several calls, and numbered without gaps', async (keys, other) => {
    const subjects = Array.from({ length: 8 }, (_, index) => `subject ${index}`);
    await keys.add(subjects.slice(4).map(keyOf));
    const both = [...subjects, ...subjects.toReversed()];
    const results = await Promise.all(
      both.map(async (subject, index) => ({
        subject,
        isFirst: await (index % 2 === 0 ? keys : other).delete(subject, index),
      })),
    );
    const first = results.filter(({ isFirst }) => isFirst).map(({ subject }) => subject);
    assert.deepEqual(first.toSorted(), subjects);
    const deleted = await other.deleted(0, 100);
    assert.deepEqual(
      deleted.map(({ number }) => number),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.deepEqual(deleted.map(({ subject }) => subject).toSorted(), subjects);
  });
}

function isSame(one: { subject: string; key: string | undefined } | undefined, other: typeof one): boolean {
  return one?.subject === other?.subject && one?.key === other?.key;
}

/** Opening, closing, and the applications beside the table. */
function opening(test: TableTest): void {
  test('are there after the table is opened again', async (keys, other, storage) => {
    await keys.add([keyOf('ada'), keyOf('bo')]);
    await keys.delete('bo', 5);
    await keys.close();
    await other.close();
    const again = await storage.openSubjectKeys(false);
    assert.deepEqual(await again.read(['ada', 'bo']), [keyOf('ada'), deletedKeyOf('bo')]);
    assert.deepEqual(await again.deleted(0, 10), [{ number: 1, subject: 'bo', timestamp: 5 }]);
  });

  test('belong to no application', async (keys, _other, storage) => {
    assert.deepEqual(await storage.applicationNames(), []);
    await keys.add([keyOf('ada')]);
    const names = ['Subjects', 'kahn', 'keys', 'subject keys', 'subject-keys', 'subject_keys', 'subjects'];
    for (const name of names) await (await storage.open(name)).record(0, [processEvent(event('a', 1))]);
    assert.deepEqual(await storage.applicationNames(), names);
    const again = await storage.openSubjectKeys();
    assert.deepEqual(await again.read(['ada']), [keyOf('ada')]);
  });

  test('are neither read nor changed by a closed table', async (keys, other) => {
    await keys.close();
    await keys.close();
    for (const call of [
      () => keys.add([]),
      () => keys.add([keyOf('ada')]),
      () => keys.read([]),
      () => keys.delete('ada', 1),
      () => keys.deleted(0, 1),
    ]) {
      await assert.rejects(call(), { name: 'StorageError', code: 'STORAGE_CLOSED', applicationName: '' });
    }
    assert.deepEqual(await other.read(['ada']), [undefined]);
  });
}

/** Opening the table where it may be missing. */
export function missingSubjectKeys(test: Test): void {
  test('are empty or refused with setupTables: false before they are set up', async (storage) => {
    await storage.open();
    const found = await storage.openSubjectKeys(false).catch(({ code }) => code as string);
    if (typeof found === 'string') assert.equal(found, 'STORAGE_NOT_SET_UP');
    else assert.deepEqual(await found.read(['ada']), [undefined]);
    const keys = await storage.openSubjectKeys();
    assert.deepEqual(await keys.add([keyOf('ada')]), [keyOf('ada')]);
  });
}
