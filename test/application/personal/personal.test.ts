import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { memory, Personal, personal, shredded } from 'kahn';
import { expect, test } from 'vitest';
import { letters, Subscriber, Subscribers } from '../../support/personal/letters.ts';

const ada = { name: 'Ada L.', email: 'ada@mail.example' };

test('has a subject and a frozen copy of the content', () => {
  const tags = ['a'];
  const contact = personal('c-1', { ...ada, tags });
  tags.push('b');
  expect(contact.subject).toBe('c-1');
  expect(contact.isShredded).toBe(false);
  expect(contact.value).toEqual({ ...ada, tags: ['a'] });
  expect(contact.or('nothing')).toBe(contact.value);
  expect(Object.isFrozen(contact) && Object.isFrozen(contact.value)).toBe(true);
});

test('map() without a function is refused', () => {
  const change = 'name' as never;
  expect(() => personal('c-1', ada).map(change)).toThrow(
    'Expected the argument of map() to be a function, got a string.',
  );
});

test('shows its subject, but not its content', async () => {
  await using subscribers = await letters.open(Subscribers, { storage: memory() });
  const made = Subscriber.join('c-1', ada);
  const saved = Subscriber.join('c-1', ada);
  await subscribers.save(saved);
  const read = await subscribers.repository.get(Subscriber, saved.id);
  for (const { contact } of [made, saved, read]) {
    const shown = [
      inspect({ contact }, { showHidden: true, depth: 9, getters: false }),
      JSON.stringify({ contact }),
      `${contact}`,
      String(contact),
      serialize(contact).toString('latin1'),
      JSON.stringify(structuredClone(contact)),
      JSON.stringify({ ...contact }),
    ];
    for (const text of shown) {
      expect(text).toContain('c-1');
      expect(text).not.toMatch(/Ada L|mail/);
    }
  }
  expect(`${read.contact}`).toBe('[personal data of c-1]');
});

test('gives personal data of the same subject that is derived from it', () => {
  const email = personal('c-1', ada).map(({ email }) => email);
  expect(email).toBeInstanceOf(Personal);
  expect([email.subject, email.value]).toEqual(['c-1', ada.email]);
});

test.each([
  ['', 'non-empty string'],
  ['a\0b', 'NUL'],
  [7, 'non-empty string'],
  ['x'.repeat(256), 'at most 255 characters, got 256'],
])('rejects the subject %j', (subject, message) => {
  expect(() => personal(subject as string, 1)).toThrow(message);
});

test('is made with personal() only', () => {
  expect(() => Reflect.construct(Personal, [])).toThrow('personal(subject, value)');
  expect(shredded).toBe(Symbol.for('kahn.shredded'));
});
