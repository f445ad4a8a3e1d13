import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { Aggregate, type DomainEvent, defineType } from 'kahn';
import { expect, test } from 'vitest';
import { RecentNotifications } from '../../../src/application/log/recent-notifications.ts';
import { aggregateInternals } from '../../../src/domain/aggregate.ts';
import type { ReadEvent } from '../../../src/domain/events/split-event.ts';
import type { RecordedEvent } from '../../../src/domain/provenance.ts';
import { EventMapper } from '../../../src/storage/codec/event-mapper.ts';
import { Transcoder } from '../../../src/storage/codec/transcoder.ts';
import type { StoredNotification, StoredProvenance } from '../../../src/storage/stored-event.ts';
import { propertyRuns } from '../../support/seed.ts';

class Note extends Aggregate<DomainEvent<'Note.Made', unknown>> {
  static make(data: unknown): Note {
    return Note.create('Note.Made', data);
  }
}

class Price {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

const price = defineType({
  name: 'price',
  type: Price,
  encode: ({ cents }) => cents,
  decode: (cents: number) => new Price(cents),
});
const mapper = () => new EventMapper('notes', new Transcoder([price]));

const key = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.constantFrom('__proto__', '$kahn', 'constructor', 'toJSON', '2', '1', 'value', '\ud800'),
);
const primitive = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, -0, 0, '\ud800', '$kahn', 2 ** 53, 5e-324),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
);

const fields = (value: fc.Arbitrary<unknown>) =>
  fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true });

/** Data of all kinds, in which the same object may be in several places. */
const data: fc.Arbitrary<unknown> = fc
  .array(fc.oneof(fields(primitive), fc.array(primitive, { maxLength: 20 })), {
    minLength: 1,
    maxLength: 2,
  })
  .chain((shared) => {
    const leaf = fc.oneof(
      { weight: 4, arbitrary: primitive },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(...shared) },
      { weight: 1, arbitrary: fc.date({ noInvalidDate: true }) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }) },
      { weight: 1, arbitrary: fc.integer().map((cents) => new Price(cents)) },
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        leaf,
        fields(tie('tree')),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 2 }).map((entries) => new Map(entries)),
        fc.array(tie('tree'), { maxLength: 2 }).map((members) => new Set(members)),
      ),
    }));
    return fc.oneof(
      { weight: 1, arbitrary: tree },
      { weight: 2, arbitrary: fields(primitive) },
      { weight: 2, arbitrary: fields(tree) },
    );
  });

const metadata = fc.option(fields(fc.oneof(primitive, fc.date({ noInvalidDate: true }))), { nil: undefined });

/** Returns each object in a value with the place of its first appearance, its keys in order, and what can be changed. */
function shapeOf(value: unknown, known: Map<unknown, number> = new Map()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const first = known.get(value);
  if (first !== undefined) return { sameAs: first };
  known.set(value, known.size);
  const parts: unknown[] = [Object.getPrototypeOf(value) === Object.prototype, Object.isFrozen(value)];
  if (value instanceof Map || value instanceof Set)
    for (const part of value) parts.push(shapeOf(part, known));
  for (const name of Reflect.ownKeys(value)) {
    parts.push(Object.getOwnPropertyDescriptor(value, name)?.enumerable, name);
    parts.push(shapeOf((value as Record<string | symbol, unknown>)[name], known));
  }
  return parts;
}

/** Records an event as this process does, and returns what a follower is handed. */
function handed(made: unknown, provenance: StoredProvenance) {
  const [pending] = aggregateInternals.pending(Note.make(made) as unknown as Aggregate);
  if (pending === undefined) throw new Error('nothing is pending');
  const stored = mapper().toStored(pending.event, provenance);
  const recent = new RecentNotifications();
  const before: StoredNotification = { id: 1, ...stored };
  recent.after(before, 1);
  recent.add(1, [stored, stored], [pending.event, pending.event]);
  const [notification] = recent.after(before, 1);
  if (notification === undefined) throw new Error('nothing is kept');
  return { recent, notification, read: { id: 2, ...stored } };
}

function isFrozenAsAWhole(event: ReadEvent<RecordedEvent>): boolean {
  return !JSON.stringify(shapeOf(event), (_, one) => (typeof one === 'bigint' ? 0 : one)).includes(
    'false,false',
  );
}

test('a follower gets exactly what it would read and decode, and shares only what nobody can change', () => {
  let shared = 0;
  const property = fc.property(data, metadata, fc.boolean(), (made, meta, isEffect) => {
    const { recent, notification, read } = handed(made, {
      ...(isEffect && { cause: { applicationName: 'a', pipelineId: 0, notificationId: 3 } }),
      correlationId: 'c',
      ...(meta !== undefined && { metadata: mapper().toStoredMetadata(meta) }),
    });
    expect(notification).toStrictEqual(read);
    const decoded = recent.decode(notification, mapper());
    const expected = mapper().toRecorded(read);
    expect(isDeepStrictEqual(decoded, expected)).toBe(true);
    expect(shapeOf(decoded)).toStrictEqual(shapeOf(expected));
    if (recent.decode(notification, mapper()) !== decoded) return;
    shared += 1;
    expect(isFrozenAsAWhole(decoded)).toBe(true);
  });
  fc.assert(property, propertyRuns(1_000, 20_000));
  expect(shared).toBeGreaterThan(100);
});

test('events that hold values of a custom type are decoded by each follower', () => {
  const { recent, notification } = handed({ price: new Price(5) }, {});
  const first = recent.decode(notification, mapper());
  expect(first).toEqual(recent.decode(notification, mapper()));
  expect(first).not.toBe(recent.decode(notification, mapper()));
  const unaware = new EventMapper('notes', new Transcoder());
  expect(() => recent.decode(notification, unaware)).toThrow(
    expect.objectContaining({ code: 'EVENT_NOT_DECODABLE' }),
  );
});
