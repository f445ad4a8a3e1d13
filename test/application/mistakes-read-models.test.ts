import {
  type DomainEvent,
  type ErrorRule,
  InvalidApplicationError,
  InvalidArgumentError,
  InvalidPolicyError,
  InvalidSystemError,
  ProcessApplication,
  run,
  System,
  type SystemRunner,
  TableNotCreatedError,
  UnknownApplicationError,
} from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { given } from 'kahn/testing';
import { expect, test } from 'vitest';
import { listedOn } from '../support/projections/listed-orders.ts';
import { Order, type OrderEvent, OrderList, Orders } from '../support/projections/order-list.ts';
import { storages, temporarySqlite } from '../support/storages.ts';

for (const { name, create } of storages.filter((one) => !one.name.includes('memory'))) {
  test(`create() that leaves out a table is refused, and runs again after it is mended, on ${name}`, async () => {
    const storage = create();
    const { applications } = listedOn(storage).first;
    const List = applications.find((one) => one.applicationName === 'order-list') as typeof OrderList;
    class Forgetful extends List {
      override async create() {}
    }
    const error = await run(System.of([[Orders, Forgetful]]), { storage }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TableNotCreatedError);
    expect(error).toMatchObject({
      message: expect.stringContaining('has not created the table'),
      table: 'orders',
    });
    await using runner = await run(System.of([[Orders, List]]), { storage });
    await runner.get(Orders).save(Order.place('ada'));
  });
}

test('an error of create() names the projection', async () => {
  class Wrong extends OrderList {
    override create({ db }: Parameters<OrderList['create']>[0]) {
      db.exec('create tabel t (x)');
    }
  }
  const starting = run(System.of([[Orders, Wrong]]), { storage: temporarySqlite() });
  await expect(starting).rejects.toThrow(InvalidApplicationError);
  await expect(starting).rejects.toThrow(
    /^create\(\) of projection 'order-list' failed for schema 1: near "tabel"/,
  );
});

class Mails extends ProcessApplication<DomainEvent<'Mail.Sent', { to: string }>, OrderEvent> {
  static readonly applicationName = 'mails';
  static readonly emits = ['Mail.Sent'] as const;
  override readonly policy = this.when({
    'Order.Created': () => {
      throw new Error('no mail today');
    },
  });
}

test('a function of an error rule that throws is named with the error that it got', async () => {
  class Ruled extends Mails {
    static readonly errorRules: readonly ErrorRule[] = [
      { error: TypeError },
      { error: (error) => (error as { response: { isLate: boolean } }).response.isLate, action: 'park' },
    ];
  }
  await using runner = await run(System.of([[Orders, Ruled]]));
  await runner
    .get(Orders)
    .save(Order.place('ada'))
    .catch(() => {});
  const [, { lastError } = {}] = await runner.status();
  expect(lastError).toBeInstanceOf(InvalidPolicyError);
  expect((lastError as Error).message).toMatch(
    /^The function `error` of rule 2 of 'static readonly errorRules' of application 'mails' failed: .*'isLate'.*no mail today/,
  );
});

test('a class of another system cannot be a follower, and has its own class', async () => {
  const Remote = remote(Orders, { system: 'shop', url: 'http://localhost:1/logs' });
  expect(() => System.of([[Orders, Remote as unknown as typeof Mails]])).toThrow(InvalidSystemError);
  const office = System.of([[Remote, Mails]]);
  await using runner = await run(office);
  expect(() => runner.get(Orders as unknown as typeof Mails)).toThrow(UnknownApplicationError);
  expect(() => runner.get(Orders as unknown as typeof Mails)).toThrow(
    'pass the class that remote() returned',
  );
  expect(() =>
    remote('orders' as unknown as typeof Orders, { system: 'shop', url: 'http://localhost:1' }),
  ).toThrow(
    "remote() takes the class of an application, as in remote(Orders, { system: 'shop', url }), not a string",
  );
});

test('serveLogs() takes a runner, and a check of the test kit takes events', async () => {
  const system = System.of([[Orders, Mails]]) as unknown as SystemRunner<typeof Orders>;
  expect(() => serveLogs(system, { applications: [Orders], authorize: () => true })).toThrow(
    InvalidArgumentError,
  );
  const statement = given(Mails) as ReturnType<ReturnType<typeof given<typeof Mails>>['when']>;
  await expect(statement.thenError(Error)).rejects.toThrow('without when()');
});
