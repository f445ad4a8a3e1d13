import {
  Aggregate,
  Application,
  type DomainEvent,
  defineEvents,
  defineType,
  event,
  memory,
  type Personal,
  personal,
  run,
  type StorageDescription,
} from 'kahn';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { Archive, Letters, letters, Subscribers } from '../../support/personal/letters.ts';
import { storedKey } from '../../support/personal/stored-bytes.ts';
import { storages } from '../../support/storages.ts';

const ada = { name: 'Ada L.', email: 'ada@mail.example' };

class Held {
  readonly content: Personal<unknown>;
  constructor(content: Personal<unknown>) {
    this.content = content;
  }
}
const held = defineType({
  name: 'Held',
  type: Held,
  encode: ({ content }) => content,
  decode: (content) => new Held(content),
});
class Remade {}
const remade = defineType({
  name: 'Remade',
  type: Remade,
  encode: () => personal('c-1', 'made by encode()'),
  decode: () => new Remade(),
});
type NoteEvent = DomainEvent<'Note.Made', { content: unknown }>;
class Note extends Aggregate<NoteEvent> {
  content: unknown;
  static make(content: unknown, id?: string) {
    return Note.create('Note.Made', { content }, id);
  }
  add(content: unknown) {
    this.trigger('Note.Made', { content });
  }
  protected override apply({ data }: NoteEvent) {
    this.content = data.content;
  }
}
class Notes extends Application<NoteEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Made'] as const;
}
const open = (storage: StorageDescription = memory()) => Notes.open({ storage, types: [held, remade] });

async function contentRead(notes: Notes, id: string): Promise<unknown> {
  const { content } = await notes.repository.get(Note, id);
  return (content as Personal).value;
}

test.each(storages)('is recorded encrypted and read by others on $name', async ({ create }) => {
  const storage = create();
  await using notes = await open(storage);
  const content = { name: 'Ada L.', born: new Date(5), tags: new Set(['x']), big: 7n, none: undefined };
  const note = Note.make(personal('c-1', content));
  await notes.save(note);
  const [stored] = await notes.log.select(0, 1);
  expect(stored?.data).not.toContain('Ada L.');
  expect(stored?.data).toMatch(/^\{"content":\{"\$kahn":"personal","value":\["c-1","[\w+/=]+"\]\}\}$/);
  await using others = await open(storage);
  for (const one of [notes, others]) expect(await contentRead(one, note.id)).toEqual(content);
});

test('of many subjects in one event takes one key each', async () => {
  const storage = memory();
  await using notes = await open(storage);
  const all = Array.from({ length: 50 }, (_, i) => personal(`c-${i % 10}`, i));
  const note = Note.make(all);
  await notes.save(note);
  const keys = new Set<unknown>();
  for (let i = 0; i < 10; i += 1) keys.add(await storedKey(storage, `c-${i}`));
  expect(keys.size).toBe(10);
  await using others = await open(storage);
  const read = (await others.repository.get(Note, note.id)).content as readonly Personal<number>[];
  expect(read.map((one) => one.value)).toEqual(all.map((_, i) => i));
});

test('may be held by an instance of a custom type', async () => {
  await using notes = await open();
  const note = Note.make({ held: [new Held(personal('c-1', 'x')), new Held(personal('c-2', 'y'))] });
  await notes.save(note);
  const read = (await notes.repository.get(Note, note.id)).content as { held: Held[] };
  expect(read.held.map(({ content }) => content.value)).toEqual(['x', 'y']);
});

test('that encode() of a custom type makes is refused', async () => {
  await using notes = await open();
  await expect(notes.save(Note.make(new Remade()))).rejects.toMatchObject({ code: 'PERSONAL_NOT_SEALED' });
  expect(await notes.log.head()).toBe(0);
});

test.each([
  ['other personal data', personal('c-2', 1), /holds other personal data; keep them side by side/],
  ['a function', { secretKey: { f: () => 1 } }, /it is a function/],
  ['a value that is not finite', new Map([['secret key', Number.NaN]]), /it is NaN/],
])('is refused with %s in it, by an error that does not show where', async (_, content, reason) => {
  await using notes = await open();
  const error = await notes.save(Note.make([personal('c-1', content)])).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'EVENT_NOT_ENCODABLE', path: 'content[0]' });
  expect(error.message).toMatch(reason);
  expect(error.message).not.toContain('secret');
});

test('equal contents of a subject have equal texts, and others have not', async () => {
  await using notes = await open();
  const note = Note.make([
    personal('c-1', 'x'),
    personal('c-1', 'x'),
    personal('c-1', 'y'),
    personal('c-2', 'x'),
  ]);
  await notes.save(note);
  const [stored] = await notes.log.select(0, 1);
  const texts = Array.from(stored?.data.matchAll(/"(c-\d)","([^"]+)"/g) ?? [], ([, , text]) => text);
  expect(texts[0]).toBe(texts[1]);
  expect(new Set(texts).size).toBe(3);
});

test('short contents do not differ in length', async () => {
  await using notes = await open();
  await notes.save(Note.make([true, false, 'a', 'longer', null, 123456].map((one) => personal('c-1', one))));
  const [stored] = await notes.log.select(0, 1);
  const lengths = Array.from(stored?.data.matchAll(/"c-1","([^"]+)"/g) ?? [], ([, text]) => text?.length);
  expect(new Set(lengths).size).toBe(1);
});

test('saves that are not awaited record the events of each aggregate in order', async () => {
  await using notes = await open();
  const [one, two] = [Note.make(personal('c-1', 0)), Note.make(personal('c-2', 0))];
  const saves: Promise<unknown>[] = [notes.save(one), notes.save(two)];
  for (let i = 1; i <= 20; i += 1) {
    one.add(personal(`c-${i % 3}`, i));
    saves.push(notes.save(one, two));
    two.add(personal('c-2', i));
    saves.push(notes.save(two));
  }
  await Promise.all(saves);
  for (const note of [one, two]) {
    expect(note.version).toBe(21);
    expect(await contentRead(notes, note.id)).toBe(20);
  }
});

test('a save that lost a race can be repeated', async () => {
  const storage = memory();
  await using notes = await open(storage);
  await using others = await open(storage);
  const note = Note.make(personal('c-1', 'first'));
  await notes.save(note);
  const [mine, theirs] = [
    await notes.repository.get(Note, note.id),
    await others.repository.get(Note, note.id),
  ];
  mine.add(personal('c-9', 'mine'));
  theirs.add(personal('c-9', 'theirs'));
  await others.save(theirs);
  await expect(notes.save(mine)).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
  await notes.update(Note, note.id, (fresh) => fresh.add(mine.content));
  expect(await contentRead(others, note.id)).toBe('mine');
});

test('results and requests of keyed commands may hold personal data', async () => {
  const storage = memory();
  await using notes = await open(storage);
  const note = Note.make(personal('c-1', 'first'));
  await notes.save(note);
  const update = (application: Notes) =>
    application.update(
      Note,
      note.id,
      (fresh) => {
        const content = personal('c-2', 'second');
        fresh.add(content);
        return { content };
      },
      { idempotencyKey: 'k', request: { by: personal('c-3', 'Bob') } },
    );
  const { result } = await update(notes);
  await using others = await open(storage);
  const again = await update(others);
  expect([result.content.value, again.result.content.value]).toEqual(['second', 'second']);
  expect(await notes.log.head()).toBe(2);
  const save = (application: Notes) =>
    application.save(Note.make(personal('c-4', 'x')), { idempotencyKey: 'k2' });
  expect(await save(others)).toEqual(await save(notes));
});

test('of one storage is recorded in another one with the key of that one', async () => {
  const [first, second] = [memory(), memory()];
  await using here = await open(first);
  await using there = await open(second);
  const note = Note.make(personal('c-1', 'x'));
  await here.save(note);
  const read = await here.repository.get(Note, note.id);
  const copy = Note.make(read.content);
  await there.save(copy);
  expect(await contentRead(there, copy.id)).toBe('x');
  expect(await storedKey(first, 'c-1')).not.toBe(await storedKey(second, 'c-1'));
  await using reopened = await open(second);
  expect(await contentRead(reopened, copy.id)).toBe('x');
  await here.save(Note.make(read.content)); // still with its own key
  const [before, after] = await here.log.select(0, 2);
  expect(after?.data).toBe(before?.data);
});

test('is refused by storage without keys of subjects, and nothing is recorded', async () => {
  const storage = { module: new URL('./keyless-storage.ts', import.meta.url).href, options: {} };
  await using subscribers = await letters.open(Subscribers, { storage });
  await expect(subscribers.join('c-1', ada)).rejects.toMatchObject({
    code: 'PERSONAL_NOT_SUPPORTED',
    applicationName: 'subscribers',
  });
  expect(await subscribers.log.head()).toBe(0);
});

test('is read through versions of an event', async () => {
  const storage = memory();
  await using notes = await open(storage);
  const note = Note.make(personal('c-1', { first: 'Ada', last: 'L.' }));
  await notes.save(note);
  type Name = { first: string; last: string };
  const events = defineEvents({
    'Note.Made': event<{ content: Personal<Name> }>().upcast(({ content }) => ({
      content: content.map(({ first, last }) => `${first} ${last}`),
    })),
  });
  class NewNotes extends Application<DomainEvent<'Note.Made', { content: Personal<string> }>> {
    static readonly applicationName = 'notes';
    static readonly emits = events;
  }
  await using newer = await NewNotes.open({ storage });
  const [{ event: read } = expect.fail()] = await newer.reader().read();
  expect(read.data.content.value).toBe('Ada L.');
  const copy = Note.make(read.data.content);
  await newer.save(copy as Aggregate<never>);
  expect((await newer.repository.get(Note as never, copy.id)).version).toBe(1);
});

test('a system with personal data in effects needs one key per subject', async () => {
  const storage = memory();
  await using runner = await run(letters, { storage });
  await runner.get(Subscribers).join('c-1', ada);
  const opened = await openStorage(storage);
  const keys = await opened.openSubjectKeys?.({ setupTables: false });
  expect((await keys?.read(['c-1', 'c-2']))?.map((one) => one?.subject)).toEqual(['c-1', undefined]);
  for (const kind of [Subscribers, Letters, Archive] as const)
    for (const { data } of await runner.get(kind).log.select(0, 10)) expect(data).not.toMatch(/Ada L|mail/);
});
