import { Aggregate, AggregateDiscardedError, ApplyRuleError, type DomainEvent, InvalidIdError } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import { aggregateInternals } from '../../src/domain/aggregate.ts';

type NoteEvent =
  | DomainEvent<'Note.Written', { lines: string[] }>
  | DomainEvent<'Note.Torn', Record<string, never>>;

class Note extends Aggregate<NoteEvent> {
  lines: readonly string[] = [];

  static write(lines: string[], id?: string): Note {
    return Note.create('Note.Written', { lines }, id);
  }

  tear(): void {
    this.trigger('Note.Torn', {});
  }

  forget(): void {
    this.discard();
  }

  protected override apply(event: NoteEvent): void {
    if (event.type === 'Note.Torn') this.discard();
    else this.lines = event.data.lines;
  }
}

test('a new aggregate has a time-ordered id, version 1 and the state after its first event', () => {
  const orders = Array.from({ length: 100 }, () => Order.place('ada'));
  const ids = orders.map((order) => order.id);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(100);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  expect(orders[0]).toMatchObject({ version: 1, customer: 'ada' });
});

test('events carry id, version, time and a frozen copy of the data', () => {
  const lines = ['one'];
  const before = Date.now();
  const note = Note.write(lines, 'note-1');
  lines.push('two');
  const [pending] = aggregateInternals.pending(note);
  expect(pending?.event).toMatchObject({
    type: 'Note.Written',
    data: { lines: ['one'] },
    originatorId: 'note-1',
    originatorVersion: 1,
  });
  expect(pending?.event.timestamp).toBeGreaterThanOrEqual(before);
  expect(pending?.event.timestamp).toBeLessThanOrEqual(Date.now());
  expect(Object.isFrozen(pending?.event)).toBe(true);
  expect(() => (note.lines as string[]).push('three')).toThrow(TypeError);
});

test('accepts any non-empty string that storage keeps unchanged as an id', () => {
  for (const id of ['1', 'ABQ', 'a/b:c d', 'Zoë 🦆', '../x']) expect(Note.write([], id).id).toBe(id);
  for (const id of ['', 'a\0b', '\ud800']) expect(() => Note.write([], id)).toThrow(InvalidIdError);
  expect(() => Note.write([], 7 as unknown as string)).toThrow(
    'Expected the id of Note to be a non-empty string, got 7.',
  );
});

test('a new aggregate is made by create(), with the type of its event', () => {
  const construct = Note as unknown as new () => Note;
  expect(() => new construct()).toThrow(
    'The constructor of Note got no id. It takes the id and nothing else: make new aggregates with Note.create(type, data).',
  );
  expect(() => Note.create(undefined as never, {} as never)).toThrow(
    'Expected the type of an event of Note to be a string, got undefined.',
  );
});

test('a discarded aggregate triggers nothing, and only apply() discards', () => {
  const note = Note.write([], 'note-1');
  expect(() => note.forget()).toThrow(ApplyRuleError);
  note.tear();
  expect(() => note.tear()).toThrow(AggregateDiscardedError);
  expect(() => note.tear()).toThrow(
    "Cannot trigger 'Note.Torn' on Note 'note-1': it is discarded. Create a new one with another id.",
  );
  expect(note.version).toBe(2);
});

test('apply() cannot trigger', () => {
  class Chatty extends Aggregate<NoteEvent> {
    static start(): Chatty {
      return Chatty.create('Note.Written', { lines: [] });
    }
    protected override apply(event: NoteEvent): void {
      if (event.type === 'Note.Written') this.trigger('Note.Torn', {});
    }
  }
  expect(() => Chatty.start()).toThrow("Chatty.apply() triggered 'Note.Torn'");
});

test('an event on which apply() throws is not pending', () => {
  class Strict extends Aggregate<NoteEvent> {
    static start(): Strict {
      return Strict.create('Note.Written', { lines: [] });
    }
    tear(): void {
      this.trigger('Note.Torn', {});
    }
    protected override apply(event: NoteEvent): void {
      if (event.type === 'Note.Torn') throw new RangeError('not this one');
    }
  }
  const strict = Strict.start();
  expect(() => strict.tear()).toThrow(RangeError);
  expect(strict.version).toBe(1);
  expect(aggregateInternals.pending(strict)).toHaveLength(1);
});

test('an apply() that waits is refused, for new and for recorded events', async () => {
  const Waiting = class Waiting extends Note {
    protected override apply = (async () => {
      throw new Error('too late');
    }) as never;
  };
  const message =
    "Waiting.apply() returned a promise, but must change the state at once: remove 'async', and wait in the";
  const waiting = new Waiting('note-1');
  expect(() => waiting.tear()).toThrow(ApplyRuleError);
  expect(() => waiting.tear()).toThrow(message);
  const [pending] = aggregateInternals.pending(Note.write([], 'note-2'));
  expect(() => aggregateInternals.replay(new Waiting('note-2'), pending!.event)).toThrow(message);
  expect(aggregateInternals.pending(waiting)).toEqual([]);
});
