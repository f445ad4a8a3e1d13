import {
  listOperations,
  type Operation,
  type Personal,
  type System,
  type SystemRunner,
  shred,
  verify,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import {
  Archive,
  Entry,
  Letter,
  Letters,
  type LettersApps,
  letters,
  Subscriber,
  Subscribers,
} from '../../support/personal/letters.ts';
import { storedBytes, storedKey } from '../../support/personal/stored-bytes.ts';
import type { Apps, RunnerSubject } from './subject.ts';

const because = { by: 'support', reason: 'erasure request 17' };

type Runner = SystemRunner<LettersApps>;

/** Everything personal that the applications show, by subject. */
async function shownBy(runner: Runner, subject: string): Promise<unknown[]> {
  const shown: Personal[] = [];
  for await (const { event } of runner.get(Subscribers).reader()) {
    const { repository } = runner.get(Subscribers);
    const subscriber = await repository.get(Subscriber, event.originatorId);
    if (event.type === 'Subscriber.Joined') shown.push(event.data.contact);
    shown.push(subscriber.contact as Personal, event.metadata?.address as Personal);
  }
  for await (const { event } of runner.get(Letters).reader()) {
    const letter = await runner.get(Letters).repository.get(Letter, event.originatorId);
    shown.push(event.data.to, event.data.greeting, letter.to as Personal, letter.greeting as Personal);
    shown.push(event.metadata?.address as Personal);
  }
  for await (const { event } of runner.get(Archive).reader()) {
    const entry = await runner.get(Archive).repository.get(Entry, event.originatorId);
    shown.push(event.data.letter.to, entry.to as Personal);
  }
  return shown.filter((one) => one.subject === subject).map((one) => one.or('shredded'));
}

async function textsOf(runner: Runner): Promise<string[]> {
  const texts: string[] = [];
  for (const kind of letters.applications) {
    const stored = await runner.get(kind).log.select(0, 1_000);
    texts.push(...stored.map(({ data, metadata }) => `${data} ${metadata}`).sort());
  }
  return texts;
}

function historiesOf(runner: Runner) {
  return canonicalHistories(letters.applications.map((kind) => runner.get(kind)));
}

/** Personal data and its shredding while a runner runs. */
export function personalData({ start, createStorage }: RunnerSubject): void {
  test('personal data flows through applications, and is shredded everywhere while they run', async () => {
    const storage = createStorage();
    await using started = await start(letters as unknown as System<Apps>, { storage });
    const runner = started as unknown as Runner;
    await runner.get(Subscribers).join('c-1', { name: 'Ada L.', email: 'ada@mail.example' });
    await runner.get(Subscribers).join('c-2', { name: 'Bob M.', email: 'bob@mail.example' });
    await runner.caughtUp();
    const shown = await shownBy(runner, 'c-1');
    const ada = { name: 'Ada L.', email: 'ada@mail.example' };
    expect(new Set(shown.map((one) => JSON.stringify(one)))).toEqual(
      new Set([ada, ada.email, 'Dear Ada L.', 'address of Ada L.'].map((one) => JSON.stringify(one))),
    );
    expect(shown).toHaveLength(12);
    const bob = await shownBy(runner, 'c-2');
    const [texts, histories] = [await textsOf(runner), await historiesOf(runner)];
    const key = await storedKey(storage, 'c-1');
    expect(key).toBeDefined();

    expect(await shred(storage, letters, 'c-1', because)).toBe(true);
    expect(await shred(storage, letters, 'c-1', because)).toBe(false);
    expect(await shownBy(runner, 'c-1')).toEqual(shown.map(() => 'shredded'));
    expect(await shownBy(runner, 'c-2')).toEqual(bob);
    expect(await textsOf(runner)).toEqual(texts);
    expect(await historiesOf(runner)).toEqual(histories);

    const refused = runner.get(Subscribers).join('c-1', ada);
    await expect(refused).rejects.toMatchObject({
      code: 'SUBJECT_SHREDDED',
      applicationName: 'subscribers',
      subject: 'c-1',
    });
    await runner.get(Subscribers).join('c-3', { name: 'Cy', email: 'cy@mail.example' });
    await runner.caughtUp();
    expect(await shownBy(runner, 'c-3')).toHaveLength(12);
    expect((await verify(storage, letters)).faults).toEqual([]);
    const bytes = await storedBytes(storage);
    for (const secret of ['Ada L.', 'ada@mail', key as string]) expect(bytes.includes(secret)).toBe(false);
    const operations: Operation[] = [];
    for await (const one of listOperations(storage, letters)) operations.push(one);
    expect(operations).toMatchObject([
      { applicationName: 'subscribers', kind: 'shred', ...because, details: { subject: 'c-1' } },
    ]);
  });

  test('applications process what they have not read yet when its subject is shredded', async () => {
    const storage = createStorage();
    {
      await using subscribers = await letters.open(Subscribers, { storage });
      await subscribers.join('c-1', { name: 'Ada L.', email: 'ada@mail.example' });
      await shred(storage, letters, 'c-1', because);
    }
    await using started = await start(letters as unknown as System<Apps>, { storage });
    const runner = started as unknown as Runner;
    await runner.caughtUp();
    const [{ event } = expect.fail('nothing is filed')] = await runner.get(Archive).reader().read();
    expect(event.data.wasShredded).toBe(true);
    expect(await shownBy(runner, 'c-1')).toEqual(Array.from({ length: 12 }, () => 'shredded'));
    expect((await verify(storage, letters)).faults).toEqual([]);
  });
}
