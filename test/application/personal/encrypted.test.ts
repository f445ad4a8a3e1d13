import { randomBytes } from 'node:crypto';
import { listOperations, memory, run, System, shred } from 'kahn';
import { expect, test } from 'vitest';
import { Archive, Letters, Subscriber, Subscribers } from '../../support/personal/letters.ts';
import { storedBytes, storedKey } from '../../support/personal/stored-bytes.ts';
import { storages } from '../../support/storages.ts';

const ada = { name: 'Ada L.', email: 'ada@mail.example' };

test.each(storages)(
  'personal data in an encrypted system is shredded, and its key is encrypted, too, on $name',
  async ({ create }) => {
    const keys = { k1: randomBytes(32), k2: randomBytes(32) };
    const withKey = (current: 'k1' | 'k2') =>
      System.of(
        [
          [Subscribers, Letters, Subscribers],
          [Letters, Archive],
        ],
        {
          encryption: { keys: () => ({ current, keys }), acceptPlainText: false },
          compression: { threshold: 20 },
        },
      );
    const storage = create();
    {
      await using runner = await run(withKey('k1'), { storage });
      await runner.get(Subscribers).join('subject-1', ada);
      await runner.get(Subscribers).join('subject-2', ada);
    }
    const key = (await storedKey(storage, 'subject-1')) as string;
    expect(Buffer.from(key, 'base64')).not.toHaveLength(32);
    const rotated = withKey('k2');
    await using runner = await run(rotated, { storage });
    const [{ event } = expect.fail()] = await runner.get(Subscribers).reader().read();
    const held = await runner.get(Subscribers).repository.get(Subscriber, event.originatorId);
    expect(held.contact?.value).toEqual(ada);
    await shred(storage, rotated, 'subject-1', { by: 'support', reason: 'erasure request 17' });
    expect(held.contact?.or('gone')).toBe('gone');
    const entries = await runner.get(Archive).reader().read();
    expect(entries.map(({ event: { data } }) => data.letter.to.or('gone'))).toEqual(['gone', ada.email]);
    const bytes = await storedBytes(storage);
    for (const secret of [key, 'Ada L.', 'mail.example']) expect(bytes.includes(secret)).toBe(false);
  },
);

const encryptedWith = (id: string, acceptPlainText: boolean = true) =>
  System.of([[Subscribers]], {
    encryption: { keys: () => ({ current: id, keys: { [id]: randomBytes(32) } }), acceptPlainText },
  });
const because = { by: 'support', reason: 'erasure request 17' };

test('a program without encryption takes no encrypted text for a plain one', async () => {
  const storage = memory();
  const encrypted = encryptedWith('k1');
  {
    await using subscribers = await encrypted.open(Subscribers, { storage });
    await subscribers.join('subject-1', ada);
    await subscribers.save([], { idempotencyKey: 'k' });
  }
  await shred(storage, encrypted, 'subject-2', because);
  const plain = System.of([[Subscribers]]);
  await using subscribers = await plain.open(Subscribers, { storage });
  const missing = { code: 'STORAGE_KEY_MISSING', keyId: 'k1' };
  await expect(subscribers.join('subject-1', ada)).rejects.toMatchObject(missing);
  await expect(subscribers.save([], { idempotencyKey: 'k' })).rejects.toMatchObject(missing);
  await expect(listOperations(storage, plain).next()).rejects.toMatchObject(missing);
  expect(await subscribers.log.head()).toBe(1);
});

test.each([
  ['is encrypted with a lost key', encryptedWith('k1'), encryptedWith('k2')],
  ['was recorded in plain text', System.of([[Subscribers]]), encryptedWith('k2', false)],
])('shreds a subject whose key %s', async (_, before, after) => {
  const storage = memory();
  {
    await using subscribers = await before.open(Subscribers, { storage });
    await subscribers.join('subject-1', ada);
  }
  expect(await shred(storage, after, 'subject-1', because)).toBe(true);
  expect(await shred(storage, after, 'subject-1', because)).toBe(false);
  expect(await storedKey(storage, 'subject-1')).toBeUndefined();
});
