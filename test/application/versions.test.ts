import {
  Aggregate,
  Application,
  type DomainEvent,
  OtherVersionError,
  ProcessApplication,
  UnknownEventError,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import { Money, money } from '../support/systems/money.ts';
import * as after from '../support/systems/versions/after.ts';
import { type LaterOrderEvent, Order } from '../support/systems/versions/orders.ts';

type TillEvent =
  | DomainEvent<'Till.Opened', object>
  | DomainEvent<'Till.Paid', object>
  | DomainEvent<'Till.Locked', object>;

class Till extends Aggregate<TillEvent> {
  add(type: 'Till.Paid' | 'Till.Locked'): this {
    this.trigger(type, {});
    return this;
  }
}

/** Counts payments in a till. This version does not know that a till can be locked. */
class Tills extends ProcessApplication<TillEvent, LaterOrderEvent> {
  static readonly applicationName = 'tills';
  static readonly emits = ['Till.Opened', 'Till.Paid'] as const;
  override readonly policy = this.when({
    'Order.Paid': async (_event, repository) => {
      (await repository.get(Till, 'till')).add('Till.Paid');
    },
  });
}

/** Catches all errors. */
class CatchingTills extends Tills {
  override readonly policy = this.when({
    'Order.Paid': async (_event, repository) => {
      for (const id of ['till', 'till']) await repository.get(Till, id).catch(() => {});
    },
  });
}

/** Wraps all errors in one of its own. */
class WrappingTills extends Tills {
  override readonly policy = this.when({
    'Order.Paid': async (_event, repository) => {
      const till = await repository.get(Till, 'till').catch((cause: unknown) => {
        throw new Error('no till', { cause });
      });
      till.add('Till.Paid');
    },
  });
}

class LaterTills extends Application<TillEvent> {
  static readonly applicationName = 'tills';
  static readonly emits = ['Till.Opened', 'Till.Paid', 'Till.Locked'] as const;
}

describe.each(storages)(
  'an aggregate with an event of a type that its application does not declare, on $name',
  ({ create }) => {
    test('is not loaded by get(), at its newest version or later ones, and not by has()', async () => {
      const storage = create();
      await using later = await LaterTills.open({ storage });
      await later.save(
        Till.create('Till.Opened', {}, 'till').add('Till.Paid').add('Till.Locked').add('Till.Paid'),
      );
      await using tills = await Tills.open({ storage });
      const error = await rejectionOf(tills.repository.get(Till, 'till'), UnknownEventError);
      expect(error).toMatchObject({
        applicationName: 'tills',
        className: 'Till',
        originatorId: 'till',
        originatorVersion: 3,
        eventType: 'Till.Locked',
      });
      expect(error.message).toMatch(
        /^Application 'tills' cannot load Till 'till': its version 3 is an event of type 'Till.Locked', recorded at 20/,
      );
      await rejectionOf(tills.repository.has(Till, 'till'), UnknownEventError);
      expect(await tills.repository.get(Till, 'till', { version: 2 })).toMatchObject({ version: 2 });
      await rejectionOf(tills.repository.get(Till, 'till', { version: 4 }), UnknownEventError);
      expect(await later.repository.get(Till, 'till')).toMatchObject({ version: 4 });
    });

    test('makes its follower wait for another version, and keeps everything before', async () => {
      const storage = create();
      await using orders = await after.Orders.open({ storage });
      await using later = await LaterTills.open({ storage });
      const till = Till.create('Till.Opened', {}, 'till');
      await later.save(till);
      await using tills = await Tills.open({ storage });
      tills.follow(orders.log);
      await orders.save(Order.make().pay());
      expect(await tills.run()).toBe(2);
      await later.save((await later.repository.get(Till, 'till')).add('Till.Locked'));
      await orders.save(Order.make(), Order.make().pay(), Order.make().pay());
      for (let round = 0; round < 2; round += 1) {
        const error = await rejectionOf(tills.run(), OtherVersionError);
        expect(error).toMatchObject({
          reason: 'AGGREGATE_UNKNOWN',
          notificationId: 5,
          eventType: 'Order.Paid',
        });
        expect(error.message).toContain(
          "with notification 5 of 'orders' ('Order.Paid'): Application 'tills' cannot load",
        );
        expect(error.cause).toBeInstanceOf(UnknownEventError);
      }
      expect(await tills.log.head()).toBe(3);
    });

    test.each([CatchingTills, WrappingTills])(
      'makes a follower wait whose policy catches the error: $name',
      async (Type) => {
        const storage = create();
        await using orders = await after.Orders.open({ storage });
        await using later = await LaterTills.open({ storage });
        await later.save(Till.create('Till.Opened', {}, 'till').add('Till.Locked'));
        await using tills = await Type.open({ storage });
        tills.follow(orders.log);
        await orders.save(Order.make().pay(), Order.make().pay());
        const error = await rejectionOf(tills.run(), OtherVersionError);
        expect(error).toMatchObject({ reason: 'AGGREGATE_UNKNOWN', notificationId: 2 });
      },
    );
  },
);

type PaymentEvent = DomainEvent<'Payment.Made', { amount: number | Money }>;
class Payment extends Aggregate<PaymentEvent> {}
class Payments extends Application<PaymentEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = ['Payment.Made'] as const;
}
class Receipts extends ProcessApplication<PaymentEvent, PaymentEvent> {
  static readonly applicationName = 'receipts';
  static readonly emits = ['Payment.Made'] as const;
  override readonly policy = this.when({
    'Payment.Made': ({ data }, repository) =>
      Payment.create('Payment.Made', { amount: data.amount as number }, repository.deriveId()),
  });
}

test.each(storages)(
  'an event with data of an unknown custom type makes its follower wait, on $name',
  async ({ create }) => {
    const storage = create();
    await using payments = await Payments.open({ storage, types: [money] });
    await payments.save(Payment.create('Payment.Made', { amount: 1 }));
    await payments.save(Payment.create('Payment.Made', { amount: new Money(2) }));
    await using older = await Receipts.open({ storage });
    older.follow(payments.log);
    const error = await rejectionOf(older.run(), OtherVersionError);
    expect(error).toMatchObject({ reason: 'DATA_UNKNOWN', notificationId: 2, eventType: 'Payment.Made' });
    expect(error.message).toContain(`its type "Money" is unknown: see defineType`);
    await using newer = await Receipts.open({ storage, types: [money] });
    newer.follow(payments.log);
    expect(await newer.run()).toBe(1);
    expect(await older.run()).toBe(0);
    expect(await older.log.head()).toBe(2);
  },
);

type VaultEvent =
  | DomainEvent<'Vault.Opened', object>
  | DomainEvent<'Vault.Filled', object>
  | DomainEvent<'Vault.Locked', object>;

/** The older version: does not know that a vault can be locked. */
class Vault extends Aggregate<VaultEvent> {
  static override readonly snapshotEvery = 2;
  fillings = 0;

  fill(): this {
    this.trigger('Vault.Filled', {});
    return this;
  }

  protected override apply({ type }: VaultEvent): void {
    if (type === 'Vault.Filled') this.fillings += 1;
  }
}
class Vaults extends Application<VaultEvent> {
  static readonly applicationName = 'vaults';
  static readonly emits = ['Vault.Opened', 'Vault.Filled'] as const;
}
class LaterVaults extends Vaults {
  static override readonly emits = ['Vault.Opened', 'Vault.Filled', 'Vault.Locked'] as never;
}

/** The newer version, with a schema of its snapshots. */
function laterVault(schema: number) {
  const Later = class extends Vault {
    static override readonly snapshotSchema = schema;
    isLocked = false;

    lock(): this {
      this.trigger('Vault.Locked', {});
      return this;
    }

    protected override apply(event: VaultEvent): void {
      super.apply(event);
      if (event.type === 'Vault.Locked') this.isLocked = true;
    }
  };
  Object.defineProperty(Later, 'name', { value: 'Vault' });
  return Later;
}

describe.each([1, 2])('snapshots of a newer version, with schema %i', (schema) => {
  test.each(storages)('hide no event of an unknown type from an older one, on $name', async ({ create }) => {
    const storage = create();
    const Later = laterVault(schema);
    await using later = await LaterVaults.open({ storage });
    await later.save(Later.create('Vault.Opened', {}, 'v').fill().lock().fill());
    await using vaults = await Vaults.open({ storage });
    await rejectionOf(vaults.repository.get(Vault, 'v'), UnknownEventError);
    expect(await later.repository.get(Later, 'v')).toMatchObject({ isLocked: true, fillings: 2 });
  });

  test.each(storages)(
    'are neither taken for its own by an older one nor the other way round, on $name',
    async ({ create }) => {
      const storage = create();
      const Later = laterVault(schema);
      await using later = await LaterVaults.open({ storage, cacheSize: 0 });
      await using vaults = await Vaults.open({ storage, cacheSize: 0 });
      await later.save(Later.create('Vault.Opened', {}, 'v').fill());
      for (let version = 2; version < 8; version += 2) {
        const vault = await vaults.repository.get(Vault, 'v');
        expect(vault).toMatchObject({ version, fillings: version - 1 });
        expect(vault).not.toHaveProperty('isLocked');
        await vaults.save(vault.fill());
        const laterOne = await later.repository.get(Later, 'v');
        expect(laterOne).toMatchObject({ version: version + 1, fillings: version, isLocked: false });
        await later.save(laterOne.fill());
      }
      await vaults.takeSnapshot(Vault, 'v'); // in place of the snapshot of the newer version
      expect(await later.repository.get(Later, 'v')).toMatchObject({
        version: 8,
        fillings: 7,
        isLocked: false,
      });
    },
  );
});
