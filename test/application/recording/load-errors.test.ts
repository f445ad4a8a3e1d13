import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import {
  Aggregate,
  AggregateLoadError,
  Application,
  type DomainEvent,
  DownstreamError,
  EventNotDecodableError,
  InvalidArgumentError,
  memory,
  PolicyError,
  ProcessApplication,
  run,
  System,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { portable, RemoteError } from '../../../src/util/portable-error.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Money, money } from '../../support/systems/money.ts';

type BillEvent = DomainEvent<'Bill.Sent', { to: string }> | DomainEvent<'Bill.Paid', { amount: Money }>;

class Bill extends Aggregate<BillEvent> {
  pay(cents: number): this {
    this.trigger('Bill.Paid', { amount: new Money(cents) });
    return this;
  }
}
class Bills extends Application<BillEvent> {
  static readonly applicationName = 'bills';
  static readonly emits = ['Bill.Sent', 'Bill.Paid'] as const;
}
/** A later version of the class, which cannot handle an event any more. */
class StrictBill extends Bill {
  protected override apply(event: BillEvent): void {
    if (event.type === 'Bill.Paid' && event.data.amount.cents > 10) throw new RangeError('too much');
  }
}
class Unbuilt extends Bill {
  constructor(id: string) {
    super(id);
    throw new TypeError('no plan');
  }
}

const context = { applicationName: 'bills', originatorId: 'b-1' };
const paid = { originatorVersion: 3, eventType: 'Bill.Paid' };

describe.each(storages)('an aggregate that cannot be loaded on $name', ({ create }) => {
  test('is named with its class, version, event type and time, and the original error as cause', async () => {
    const storage = create();
    await using bills = await Bills.open({ storage, types: [money] });
    const bill = Bill.create('Bill.Sent', { to: 'ada' }, 'b-1').pay(1).pay(20);
    await bills.save(bill, Bill.create('Bill.Sent', { to: 'bob' }, 'b-2'));

    const applying = await rejectionOf(bills.repository.get(StrictBill, 'b-1'), AggregateLoadError);
    expect(applying).toMatchObject({ ...context, ...paid, className: 'StrictBill' });
    expect(applying.cause).toBeInstanceOf(RangeError);
    const time = new Date(applying.timestamp ?? 0).toISOString();
    expect(applying.message).toBe(
      `Application 'bills' cannot load StrictBill 'b-1': apply() failed on version 3, 'Bill.Paid' of ${time}: too much`,
    );
    const earlier = await bills.repository.get(StrictBill, 'b-1', { version: 2 });
    expect(earlier.version).toBe(2);
    await rejectionOf(bills.repository.get(StrictBill, 'b-1', { version: 3 }), AggregateLoadError);
    await rejectionOf(bills.repository.has(StrictBill, 'b-1'), AggregateLoadError);

    const building = await rejectionOf(bills.repository.get(Unbuilt, 'b-1'), AggregateLoadError);
    expect(building).toMatchObject({ ...context, className: 'Unbuilt', cause: { message: 'no plan' } });
    expect(building.eventType).toBeUndefined();

    await using without = await Bills.open({ storage });
    const decoding = await rejectionOf(without.repository.get(Bill, 'b-1'), AggregateLoadError);
    expect(decoding).toMatchObject({
      ...context,
      originatorVersion: 2,
      eventType: 'Bill.Paid',
      className: 'Bill',
      cause: { code: 'NOT_DECODABLE' },
    });
    await rejectionOf(without.repository.get(Bill, 'b-1'), AggregateLoadError); // nothing wrong is cached
    expect((await without.repository.get(Bill, 'b-2')).version).toBe(1);
    const read = async () => {
      for await (const _ of without.reader());
    };
    expect(await rejectionOf(read(), EventNotDecodableError)).toMatchObject({
      ...context,
      originatorVersion: 2,
      eventType: 'Bill.Paid',
      timestamp: decoding.timestamp,
    });
  });
});

describe('in a policy', () => {
  type NoteEvent = DomainEvent<'Note.Made', Record<string, never>>;
  class Note extends Aggregate<NoteEvent> {
    static isBroken = false;
    protected override apply(): void {
      if (Note.isBroken) throw new RangeError('torn');
    }
  }
  class Notes extends ProcessApplication<NoteEvent, BillEvent> {
    static readonly applicationName = 'notes';
    static readonly emits = ['Note.Made'] as const;
    override readonly policy = this.when({
      'Bill.Sent': ({ data }) => Note.create('Note.Made', {}, data.to),
      'Bill.Paid': async ({ originatorId }, repository) => {
        await repository.get(Note, originatorId === 'b-1' ? 'ada' : 'bob');
      },
    });
  }
  const system = System.of([[Bills, Notes]], { types: [money] });

  test('the error is the cause of the policy error, and keeps its fields in other threads', async () => {
    Note.isBroken = false;
    await using runner = await run(system, { storage: memory() });
    const bill = Bill.create('Bill.Sent', { to: 'ada' }, 'b-1');
    await runner.get(Bills).save(bill);
    Note.isBroken = true;
    const error = await runner
      .get(Bills)
      .save(bill.pay(1))
      .catch((thrown: Error) => thrown.cause);
    expect(error).toBeInstanceOf(PolicyError);
    const fields = { applicationName: 'notes', className: 'Note', originatorId: 'ada', originatorVersion: 1 };
    const loading = { code: 'AGGREGATE_LOAD_FAILED', eventType: 'Note.Made', ...fields };
    expect(error).toMatchObject({ notificationId: 2, cause: { ...loading, cause: { message: 'torn' } } });
    expect(new RemoteError(portable(error))).toMatchObject({
      cause: { ...loading, cause: { message: 'torn' } },
    });
  });

  test('a view of another class is named that cannot apply an event of the same batch', async () => {
    class Draft extends Aggregate<NoteEvent> {
      again(): void {
        this.trigger('Note.Made', {});
      }
    }
    class Drafts extends ProcessApplication<NoteEvent, BillEvent> {
      static readonly applicationName = 'drafts';
      static readonly emits = ['Note.Made'] as const;
      override readonly policy = this.when({
        'Bill.Sent': async ({ data }, repository) => {
          if (data.to === 'first') return Draft.create('Note.Made', {}, 'd-1');
          const draft = await repository.get(Draft, 'd-1');
          draft.again();
          Note.isBroken = true;
          await repository.get(Note, 'd-1');
          return undefined;
        },
      });
    }
    Note.isBroken = false;
    await using runner = await run(System.of([[Bills, Drafts]], { types: [money] }), { storage: memory() });
    await runner.get(Bills).save(Bill.create('Bill.Sent', { to: 'first' }));
    const error = await runner
      .get(Bills)
      .save(Bill.create('Bill.Sent', { to: 'second' }))
      .catch((thrown: Error) => thrown.cause);
    const fields = { applicationName: 'drafts', className: 'Note', originatorId: 'd-1' };
    expect(error).toMatchObject({ cause: { code: 'AGGREGATE_LOAD_FAILED', ...fields } });
  });

  test('an uncaught chain of errors shows each message once', async () => {
    const program = `
      import { Aggregate, Application, memory, ProcessApplication, run, System } from 'kahn';
      class Bill extends Aggregate { pay() { this.trigger('Paid', {}); } }
      class Bills extends Application { static applicationName = 'bills'; static emits = ['Sent', 'Paid']; }
      let isBroken = false;
      class Note extends Aggregate { apply() { if (isBroken) throw new RangeError(['to', 'rn'].join('')); } }
      class Notes extends ProcessApplication {
        static applicationName = 'notes';
        static emits = ['Made'];
        policy = this.when({
          Sent: () => Note.create('Made', {}, 'n-1'),
          Paid: async (_, repository) => { await repository.get(Note, 'n-1'); },
        });
      }
      const runner = await run(System.of([[Bills, Notes]]), { storage: memory() });
      const bill = Bill.create('Sent', {});
      await runner.get(Bills).save(bill);
      isBroken = true;
      bill.pay();
      await runner.get(Bills).save(bill);`;
    const args = ['--conditions=kahn-source', '--input-type=module', '--eval', program];
    const { stderr } = await promisify(execFile)(process.execPath, args).then(
      () => ({ stderr: '' }),
      (failed: { stderr: string }) => failed,
    );
    for (const once of ['torn', 'cannot load Note', 'failed on notification 2', "Application 'notes' failed"])
      expect(stderr.split(once)).toHaveLength(2);
  });
});

test('errors keep the text of their cause in the message', async () => {
  const error = new InvalidArgumentError('It failed: the disk is gone.', {
    cause: new Error('the disk is gone.'),
  });
  expect(error.message).toBe('It failed: the disk is gone.');
  expect(error.stack).toContain('It failed: ….');
});

test('a DownstreamError prints each of several failures once', () => {
  const failures = new Map(['a', 'b', 'c'].map((name) => [name, new Error(`failure of ${name}`)]));
  const error = new DownstreamError('The events are recorded.', failures);
  const printed = inspect(error);
  for (const { message } of failures.values()) expect(printed.split(message)).toHaveLength(2);
  expect(error.failures).toBe(failures);
  expect([...error.otherFailures.keys()]).toEqual(['b', 'c']);
  expect(
    inspect(new DownstreamError('The events are recorded.', new Map([['a', new Error('x')]]))),
  ).not.toContain('ailures');
});
