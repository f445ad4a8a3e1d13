import fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusingStorages } from '../../support/refusing-storage.ts';
import { propertyRuns } from '../../support/seed.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

/** Content of one save, and the code of the error that rejects it. */
const codes = {
  good: undefined,
  pair: undefined,
  snapshot: undefined,
  'fraction in a time': 'INVALID_TIMESTAMP',
  'time beyond dates': 'LIMIT_EXCEEDED',
  'long id': 'LIMIT_EXCEEDED',
  'known id': 'RECORD_CONFLICT',
  'refused event': 'STORAGE_REFUSED',
  'refused snapshot': 'STORAGE_REFUSED',
  'second of a unique event': 'STORAGE_REFUSED',
} as const;
type Kind = keyof typeof codes;

const kinds = fc.constantFrom(...(Object.keys(codes) as Kind[]));
const mixes = fc.array(fc.oneof(fc.constant<Kind>('good'), kinds), { minLength: 1, maxLength: 30 });

function at<T>(time: number, make: () => T): T {
  const { now } = Date;
  Date.now = () => time;
  try {
    return make();
  } finally {
    Date.now = now;
  }
}

function aggregatesOf(kind: Kind, name: string): Account[] {
  switch (kind) {
    case 'good':
      return [Account.open(name)];
    case 'pair':
      return [Account.open(name), Account.open(name).change(1)];
    case 'snapshot':
      return [Account.open(name).change(1).change(2).change(3).change(4)];
    case 'fraction in a time':
      return [Account.open(name), at(1_764_000_000_000.5, () => Account.open(name))];
    case 'time beyond dates':
      return [at(9e15, () => Account.open(name))];
    case 'long id':
      return [Account.open(name, randomText(2_000))];
    case 'known id':
      return [Account.open(name, 'known')];
    case 'refused event':
      return [Account.open(name), Account.open('event refused')];
    case 'refused snapshot':
      return [Account.open(name).change(1).change(2).change(3).change('state refused')];
    case 'second of a unique event':
      return [Account.open('unique')];
  }
}

/** An index cannot compress random text. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length) text += crypto.randomUUID();
  return text.slice(0, length);
}

test.for(refusingStorages)(
  'rejects exactly the saves of a commit that are refused: $name',
  async ({ create }) => {
    const { storage, refuse, refuses } = create();
    await using accounts = await Accounts.open({ storage });
    await refuse('accounts');
    await accounts.save(Account.open('known', 'known'));
    await accounts.save(Account.open('unique'));
    const possible = mixes.map((mix) => mix.filter((kind) => refuses || codes[kind] !== 'STORAGE_REFUSED'));
    const check = fc.asyncProperty(possible, async (mix) => {
      const before = await accounts.log.head();
      const saves = mix.map((kind, i) => ({ kind, aggregates: aggregatesOf(kind, `${i}`) }));
      const results = await Promise.allSettled(saves.map(({ aggregates }) => accounts.save(...aggregates)));
      const outcomes = results.map((one) => (one.status === 'rejected' ? one.reason.code : undefined));
      expect(outcomes).toEqual(mix.map((kind) => codes[kind]));

      const recorded = saves.filter((_, i) => outcomes[i] === undefined);
      const expected = recorded.flatMap(({ aggregates }) =>
        aggregates.flatMap(({ id, version }) => Array.from({ length: version }, (_, i) => `${id} ${i + 1}`)),
      );
      const log = await accounts.log.select(before, 1_000);
      expect(
        log.map(({ originatorId, originatorVersion }) => `${originatorId} ${originatorVersion}`),
      ).toEqual(expected);
      expect(log.map(({ id }) => id)).toEqual(log.map((_, i) => before + i + 1));
      let last = before;
      for (const result of results) {
        if (result.status === 'rejected') continue;
        last += result.value.count;
        expect(result.value.notificationId).toBe(last);
      }
    });
    await fc.assert(check, propertyRuns(15, 100));
  },
);
