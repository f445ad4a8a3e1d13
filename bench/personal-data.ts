import {
  Aggregate,
  Application,
  type DomainEvent,
  type Personal,
  personal,
  type StorageDescription,
} from 'kahn';
import { compareSaves, type Saver, savesTable } from './saves-comparison.ts';
import type { Section } from './section.ts';

const targetPercent = 15;
const subjects = 1_000;

interface Contact {
  readonly name: string;
  readonly email: string;
}
type OrderEvent = DomainEvent<'Order.Placed', { readonly contact: Personal<Contact> | Contact }>;

class Order extends Aggregate<OrderEvent> {}

class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed'] as const;
}

/** Saves with personal data of 1,000 subjects, compared with the same saves in plain text. */
export const personalData: Section = {
  heading: ({ rounds }) =>
    `Orders with a name and an address as personal data of ${subjects} subjects, medians of ${rounds} rounds, in turn; ` +
    `target: ${targetPercent} %.\n\n${savesTable.header}`,
  on: (storageKind) => [
    {
      name: 'personal data',
      run: (options) =>
        compareSaves(
          storageKind,
          {
            targetPercent,
            open: (storage) => open(storage, true),
            openWithout: (storage) => open(storage, false),
          },
          options,
        ),
    },
  ],
};

async function open(storage: StorageDescription, isPersonal: boolean): Promise<Saver> {
  const orders = await Orders.open({ storage });
  const value: Contact = { name: 'Ada Lovelace', email: 'ada@example.com' };
  let saves = 0;
  return {
    save() {
      saves += 1;
      const contact = isPersonal ? personal(`c-${saves % subjects}`, value) : value;
      return orders.save(Order.create('Order.Placed', { contact }));
    },
    [Symbol.asyncDispose]: () => orders.close(),
  };
}
