import {
  AggregateLoadError,
  Application,
  defineEvents,
  EventNotDecodableError,
  event,
  memory,
  PolicyError,
  ProcessApplication,
  UpcastError,
} from 'kahn';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { Entry, type EntryEvent } from '../../support/systems/evolution/entries.ts';
import { Fact } from '../../support/systems/evolution/facts.ts';

const one = event<{ n: number }>();
const any = (value: unknown) => value as never;
const fail = () => {
  throw new Error('no such number');
};
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const failOddly = (): { n: number } => {
  throw revoked;
};

/** What the functions of a definition may do wrong, and the message and the version of the data that tell. */
const mistakes: readonly (readonly [
  title: string,
  emits: readonly string[],
  type: string,
  message: string,
  dataVersion: number,
])[] = [
  [
    'throws',
    defineEvents({ T: one.upcast((old) => old).upcast(fail) }),
    'T',
    "The upcast of 'T' from version 2 to 3 failed: no such number",
    2,
  ],
  [
    'returns a promise',
    defineEvents({ T: one.upcast(async (old) => old) }),
    'T',
    "The upcast of 'T' from version 1 to 2 returned a promise: compute the result at once.",
    1,
  ],
  [
    'throws a revoked proxy',
    defineEvents({ T: one.upcast(failOddly) }),
    'T',
    "The upcast of 'T' from version 1 to 2 failed: ",
    1,
  ],
  ['rejects', defineEvents({ T: one.upcast(async () => fail()) }), 'T', 'returned a promise', 1],
  [
    'returns nothing',
    defineEvents({ T: one.upcast(() => {}) }),
    'T',
    'returned undefined: return the data, or null.',
    1,
  ],
  [
    'returns a function',
    defineEvents({ T: one.upcast((old) => ({ old, f: () => 1 })) }),
    'T',
    "The functions that convert 'T' returned data that cannot be recorded. Cannot encode f: it is a function",
    2,
  ],
  [
    'returns NaN',
    defineEvents({ T: one.upcast(({ n }) => ({ n: n / 0 - Infinity })) }),
    'T',
    'Cannot encode n: it is NaN',
    2,
  ],
  [
    'returns an instance of a class',
    defineEvents({ T: one.upcast(() => new Error('x')) }),
    'T',
    'cannot be recorded',
    2,
  ],
  [
    'changes what it gets',
    defineEvents({ T: one.upcast((old) => Object.assign(old, { n: 2 })) }),
    'T',
    "The upcast of 'T' from version 1 to 2 failed: Cannot assign to read only property 'n'",
    1,
  ],
  [
    'splits into no array',
    defineEvents({ T: one }, { former: { F: any(one.into(any(() => 'T'))) } }),
    'F',
    "The function into() of 'F' must return an array of events, got a string.",
    1,
  ],
  [
    'splits into nothing',
    defineEvents({ T: one }, { former: { F: any(one.into(any(() => {}))) } }),
    'F',
    'returned undefined',
    1,
  ],
  [
    'splits into a promise',
    defineEvents({ T: one }, { former: { F: any(one.into(any(async () => []))) } }),
    'F',
    'returned a promise',
    1,
  ],
  [
    'splits into data without type',
    defineEvents({ T: one }, { former: { F: any(one.into(any((old: unknown) => [old]))) } }),
    'F',
    'returned an object: expected { type, data }',
    1,
  ],
  [
    'splits into null',
    defineEvents({ T: one }, { former: { F: any(one.into(any(() => [null]))) } }),
    'F',
    'returned null',
    1,
  ],
  [
    'splits into an unknown type',
    defineEvents({ T: one }, { former: { F: any(one.into(any(() => [{ type: 'G', data: {} }]))) } }),
    'F',
    "returned an event of type 'G'",
    1,
  ],
  [
    'splits into a former type',
    defineEvents({ T: one }, { former: { F: any(one.into(any(() => [{ type: 'F', data: {} }]))) } }),
    'F',
    "returned an event of type 'F'",
    1,
  ],
  [
    'splits into data that cannot be recorded',
    defineEvents(
      { T: one },
      { former: { F: one.into(() => [{ type: 'T', data: { n: any(Symbol('n')) } }]) } },
    ),
    'F',
    'Cannot encode n',
    1,
  ],
  [
    'fails before it splits',
    defineEvents({ T: one }, { former: { F: one.upcast(fail).into(() => []) } }),
    'F',
    "The upcast of 'F' from version 1 to 2 failed",
    1,
  ],
  [
    'is missing for the version',
    defineEvents({ T: event<{ n: number }>({ since: 3 }) }),
    'T',
    "Version 1 of 'T' is older than version 3, the oldest that is defined. Add it to the option 'former' of defineEvents(), or lower 'since'",
    1,
  ],
  [
    'is missing for the version of a former type',
    defineEvents({ T: one }, { former: { F: event<{ n: number }>({ since: 2 }).into(() => []) } }),
    'F',
    "Version 1 of 'F' is older than version 2",
    1,
  ],
];

class Earlier extends Application {
  static readonly applicationName = 'facts';
  static readonly emits = ['T', 'F'] as const;
}

test.each(mistakes)('names the event if a function %s', async (_title, types, type, message, dataVersion) => {
  class Facts extends Application {
    static readonly applicationName = 'facts';
    static readonly emits = types;
  }
  class Followers extends ProcessApplication<EntryEvent> {
    static readonly applicationName = 'followers';
    static readonly emits = ['Entry.Made'] as const;
    override readonly policy = this.when({}, (_event, repository) =>
      Entry.make('a fact', repository.deriveId()),
    );
  }
  const storage = memory();
  await using earlier = await Earlier.open({ storage });
  await earlier.save(Fact.create(type, { n: 1 }, 'fact'));
  await using facts = await Facts.open({ storage });
  const failed = await rejectionOf(facts.repository.get(Fact, 'fact'), AggregateLoadError);
  expect(failed).toMatchObject({
    applicationName: 'facts',
    originatorId: 'fact',
    originatorVersion: 1,
    eventType: type,
  });
  expect(failed.message).toContain(message);
  expect(failed.cause).toBeInstanceOf(UpcastError);
  expect(failed.cause).toMatchObject({ code: 'UPCAST_FAILED', eventType: type, dataVersion });
  const unread = await rejectionOf(facts.reader().read(), EventNotDecodableError);
  expect(unread).toMatchObject({
    applicationName: 'facts',
    originatorId: 'fact',
    originatorVersion: 1,
    eventType: type,
  });
  expect(unread.message).toContain(message);
  await using followers = await Followers.open({ storage });
  followers.follow(facts.log);
  const stopped = await rejectionOf(followers.run(), PolicyError);
  expect(stopped).toMatchObject({ notificationId: 1, eventType: type });
  expect(stopped.message).toContain(message);
  expect(await followers.log.head()).toBe(0);
});

test('a result is copied and frozen, so that it shares nothing', async () => {
  const shared = { at: new Date(0), list: [1], inner: { deep: [2] } };
  class Facts extends Application {
    static readonly applicationName = 'facts';
    static readonly emits = defineEvents({ T: one.upcast(() => shared) });
  }
  const storage = memory();
  await using earlier = await Earlier.open({ storage });
  await earlier.save(Fact.make('T', 1), Fact.make('T', 2));
  await using facts = await Facts.open({ storage });
  const [first, second] = (await facts.reader().read()).map(({ event }) => event.data as typeof shared);
  expect(first).toEqual(shared);
  for (const part of [first, first?.list, first?.inner, first?.inner.deep])
    expect(Object.isFrozen(part)).toBe(true);
  first?.at.setFullYear(2000);
  expect([shared.at.getTime(), second?.at.getTime()]).toEqual([0, 0]);
  shared.list.push(3);
  expect(first?.list).toEqual([1]);
});

test('a follower fails at a version that is too old if it handles the type, and passes it otherwise', async () => {
  const twice = one.upcast((old) => old);
  class Before extends Application {
    static readonly applicationName = 'facts';
    static readonly emits = defineEvents({ T: twice });
  }
  class Facts extends Application {
    static readonly applicationName = 'facts';
    static readonly emits = defineEvents({ T: event<{ n: number }>({ since: 3 }), U: one });
  }
  const follower = (type: string) =>
    class Followers extends ProcessApplication<EntryEvent> {
      static readonly applicationName = `followers of ${type}`;
      static readonly emits = ['Entry.Made'] as const;
      override readonly policy = this.when({ [type]: () => {} });
    };
  const storage = memory();
  await using before = await Before.open({ storage });
  await before.save(Fact.make('T', 1));
  await using facts = await Facts.open({ storage });
  await using handles = await follower('T').open({ storage });
  handles.follow(facts.log);
  const stopped = await rejectionOf(handles.run(), PolicyError);
  expect(stopped).toMatchObject({ notificationId: 1, eventType: 'T@2' });
  expect(stopped.message).toContain("Version 2 of 'T' is older than version 3");
  await using ignores = await follower('U').open({ storage });
  ignores.follow(facts.log);
  expect(await ignores.run()).toBe(1);
});
