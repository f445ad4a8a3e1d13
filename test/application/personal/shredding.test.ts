import { inspect } from 'node:util';
import {
  Aggregate,
  Application,
  type DomainEvent,
  explain,
  memory,
  type Personal,
  personal,
  run,
  type StorageDescription,
  System,
  shred,
  shredded,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { Letters, letters, Subscribers } from '../../support/personal/letters.ts';
import { storedBytes, storedKey } from '../../support/personal/stored-bytes.ts';
import { sqliteLayouts, storages, temporaryDirectory } from '../../support/storages.ts';

type NoteEvent = DomainEvent<'Note.Made', { content: Personal<string> }>;
class Note extends Aggregate<NoteEvent> {
  static override readonly snapshotEvery = 2;
  content?: Personal<string>;
  static make(subject: string, content: string) {
    return Note.create('Note.Made', { content: personal(subject, content) });
  }
  add(subject: string, content: string) {
    this.trigger('Note.Made', { content: personal(subject, content) });
  }
  protected override apply({ data }: NoteEvent) {
    this.content = data.content;
  }
}
class Notes extends Application<NoteEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Made'] as const;
}
const system = System.of([[Notes]]);
const because = { by: 'support', reason: 'erasure request 17' };
const ada = { name: 'Ada L.', email: 'ada@mail.example' };

/** Deletes the key as another process does: nothing in this thread is told. */
async function shredElsewhere(storage: StorageDescription, subject: string): Promise<void> {
  const opened = await openStorage(storage);
  const keys = await opened.openSubjectKeys?.({ setupTables: false });
  await keys?.delete(subject, 1);
  await keys?.close();
  await opened.close();
}

test('shreds all that the thread holds at once', async () => {
  const storage = memory();
  await using notes = await system.open(Notes, { storage });
  const note = Note.make('c-1', 'x');
  await notes.save(note);
  const read = await notes.repository.get(Note, note.id);
  const derived = read.content?.map((text) => `${text}!`);
  const unsaved = personal('c-1', 'not recorded');
  await shred(storage, system, 'c-1', because);
  for (const one of [note.content, read.content, derived]) {
    expect([one?.value, one?.isShredded, one?.or('-')]).toEqual([shredded, true, '-']);
    expect(`${one}`).toBe('[shredded data of c-1]');
  }
  expect(unsaved.value).toBe('not recorded');
});

describe.each(storages)('on $name', ({ name, create }) => {
  test('a process that holds keys notices a deletion with its next read', async () => {
    const storage = create();
    await using notes = await system.open(Notes, { storage });
    const [one, two] = [Note.make('c-1', 'x'), Note.make('c-2', 'y')];
    await notes.save(one, two);
    const held = await notes.repository.get(Note, one.id);
    await shredElsewhere(storage, 'c-1');
    expect(held.content?.value).toBe('x'); // no read yet
    const other = await notes.repository.get(Note, two.id);
    expect([held.content?.value, one.content?.value]).toEqual([shredded, shredded]);
    expect(other.content?.value).toBe('y');
    expect((await notes.repository.get(Note, one.id)).content?.value).toBe(shredded);
    const [{ event } = expect.fail()] = await notes.reader().read();
    expect(event.data.content.value).toBe(shredded);
  });

  test('new personal data of a shredded subject is refused, and the events stay pending', async () => {
    const storage = create();
    await using notes = await system.open(Notes, { storage });
    const note = Note.make('c-1', 'x');
    await notes.save(note);
    await shredElsewhere(storage, 'c-1');
    note.add('c-1', 'y');
    const failure = { code: 'SUBJECT_SHREDDED', applicationName: 'notes', subject: 'c-1' };
    await expect(notes.save(note)).rejects.toMatchObject(failure);
    await expect(notes.save(Note.make('c-2', 'y'), note)).rejects.toMatchObject(failure);
    await expect(
      notes.save(Note.make('c-2', 'y'), { metadata: { by: personal('c-1', 'z') } }),
    ).rejects.toMatchObject(failure);
    expect(await notes.log.head()).toBe(1);
    expect(await storedKey(storage, 'c-1')).toBeUndefined();
    const again = await notes.repository.get(Note, note.id);
    again.add('c-2', 'z');
    await notes.save(again);
    expect(again.content?.value).toBe('z');
  });

  test('a save that runs while its subject is shredded revives no key', async () => {
    const storage = create();
    await using notes = await system.open(Notes, { storage });
    await using others = await system.open(Notes, { storage });
    for (let i = 0; i < 10; i += 1) {
      const subject = `c-${i}`;
      const made = Array.from({ length: 5 }, (_, n) => Note.make(subject, `x${n}`));
      const saves = made.map((note) => notes.save(note).then(Boolean, ({ code }) => code as string));
      if (i % 2 === 0) await saves[0];
      await shred(storage, system, subject, because);
      const outcomes = await Promise.all(saves);
      for (const [n, outcome] of outcomes.entries()) {
        expect([true, 'SUBJECT_SHREDDED']).toContain(outcome);
        if (outcome !== true) continue;
        const read = await others.repository.get(Note, (made[n] as Note).id);
        expect(read.content?.value).toBe(shredded);
      }
      expect(await storedKey(storage, subject)).toBeUndefined();
    }
  });

  test('the record tells who has shredded, once', async () => {
    const storage = create();
    await using runner = await run(letters, { storage });
    await runner.get(Subscribers).join('c-1', ada);
    const key = (await storedKey(storage, 'c-1')) as string;
    expect(name === 'memory' || (await storedBytes(storage)).includes(key)).toBe(true);
    const outcomes = [
      await shred(storage, letters, 'c-1', because),
      await shred(storage, letters, 'c-1', because),
      await shred(storage, letters, 'never seen', because),
    ];
    expect(outcomes).toEqual([true, false, true]);
    const bytes = await storedBytes(storage);
    for (const secret of [key, ada.name, ada.email]) expect(bytes.includes(secret)).toBe(false);
    await expect(runner.get(Subscribers).join('never seen', ada)).rejects.toMatchObject({
      subject: 'never seen',
    });
  });
});

test.each(sqliteLayouts)(
  'no file of the $name layout holds a shredded key, before and after close',
  async (layout) => {
    const directory = temporaryDirectory();
    const storage = sqlite(layout.optionsIn(directory));
    const keys: string[] = [];
    {
      await using runner = await run(letters, { storage });
      for (let i = 0; i < 20; i += 1) await runner.get(Subscribers).join(`c-${i}`, ada);
      for (let i = 0; i < 10; i += 1) {
        keys.push((await storedKey(storage, `c-${i}`)) as string);
        await shred(storage, letters, `c-${i}`, because);
      }
      const bytes = await storedBytes(storage);
      for (const key of keys) expect(bytes.includes(key)).toBe(false);
    }
    const bytes = await storedBytes(storage);
    for (const key of [...keys, ada.name, ada.email]) expect(bytes.includes(key)).toBe(false);
  },
);

test('explain() shows no content, with and without the system', async () => {
  const storage = memory();
  await using runner = await run(letters, { storage });
  await runner.get(Subscribers).join('c-1', ada);
  for (const source of [runner, storage] as const) {
    const explanation = await explain(source as typeof runner, Letters, 1);
    const shown = `${JSON.stringify(explanation)} ${inspect(explanation, { depth: 9 })} ${explanation}`;
    expect(shown).not.toMatch(/Ada L|mail/);
    expect(explanation.event.metadata).toMatchObject({ address: { subject: 'c-1' } });
  }
});

test('a snapshot restores what is shredded', async () => {
  const storage = memory();
  await using notes = await system.open(Notes, { storage });
  const note = Note.make('c-1', 'x');
  note.add('c-2', 'y');
  await notes.save(note);
  await shred(storage, system, 'c-2', because);
  await using others = await system.open(Notes, { storage });
  const read = await others.repository.get(Note, note.id);
  expect(read.content?.value).toBe(shredded);
  await others.takeSnapshot(Note, note.id);
  read.add('c-1', 'z');
  await others.save(read);
  expect((await notes.repository.get(Note, note.id)).content?.value).toBe('z');
});

test.each([
  ['with a key that the table does not have', 0, 'does not have its key'],
  ['that is damaged', 60, 'its text is damaged'],
])('personal data %s is unreadable, but not shredded, and is kept as it is', async (_, index, reason) => {
  const storage = memory();
  await using notes = await system.open(Notes, { storage });
  const note = Note.make('c-1', 'x');
  await notes.save(note);
  const [{ id, ...stored } = expect.fail()] = await notes.log.select(0, 1);
  const start = stored.data.indexOf('"c-1","') + 7 + index;
  const data = `${stored.data.slice(0, start)}${stored.data[start] === 'A' ? 'B' : 'A'}${stored.data.slice(start + 1)}`;
  const opened = await openStorage(storage);
  const recorder = await opened.openRecorder({ applicationName: 'notes', setupTables: false });
  await recorder.record(id - 1, [{ events: [{ ...stored, data, originatorId: 'damaged' }], snapshots: [] }]);
  const read = await notes.repository.get(Note, 'damaged');
  const unreadable = {
    code: 'PERSONAL_UNREADABLE',
    subject: 'c-1',
    message: expect.stringContaining(reason),
  };
  expect(() => read.content?.value).toThrow(expect.objectContaining(unreadable));
  expect(read.content?.isShredded).toBe(false);
  await notes.takeSnapshot(Note, 'damaged');
  await shred(storage, system, 'c-1', because);
  expect(note.content?.value).toBe(shredded);
});

test.each([
  ['subject', ['', 'x'], 'INVALID_ID'],
  ['reason', ['c-1', ''], 'INVALID_OPTION'],
])('rejects a wrong %s', async (_, [subject, reason], code) => {
  const shredding = shred(memory(), system, subject as string, { by: 'me', reason: reason as string });
  await expect(shredding).rejects.toMatchObject({ code });
});

test('storage without keys of subjects is refused', async () => {
  const storage = { module: new URL('./keyless-storage.ts', import.meta.url).href, options: {} };
  await expect(shred(storage, letters, 'c-1', because)).rejects.toMatchObject({
    code: 'PERSONAL_NOT_SUPPORTED',
  });
});
