import { inspect } from 'node:util';
import { Aggregate, Application, type DomainEvent, memory, Personal, personal, shredded } from 'kahn';
import { expect, test } from 'vitest';

type Contact = { name: string; born: Date };
type CustomerEvent = DomainEvent<'Customer.Joined', { contact: Personal<Contact> }>;

class Customer extends Aggregate<CustomerEvent> {
  static override readonly snapshotEvery = 1;
  contact?: Personal<Contact>;
  static join(subject: string, name: string) {
    return Customer.create('Customer.Joined', {
      contact: personal(subject, { name, born: new Date(0) }),
    });
  }
  protected override apply(event: CustomerEvent) {
    this.contact = event.data.contact;
  }
}
class Customers extends Application<CustomerEvent> {
  static readonly applicationName = 'customers';
  static readonly emits = ['Customer.Joined'] as const;
}

test('is recorded encrypted and read again', async () => {
  const storage = memory();
  await using customers = await Customers.open({ storage });
  const ada = Customer.join('c-1', 'Ada');
  await customers.save(ada);
  expect(ada.contact?.value).toEqual({ name: 'Ada', born: new Date(0) });
  const [stored] = await customers.log.select(0, 1);
  expect(stored?.data).not.toContain('Ada');
  expect(stored?.data).toContain('c-1');
  await using others = await Customers.open({ storage });
  for (const one of [customers, others]) {
    const read = await one.repository.get(Customer, ada.id);
    expect(read.contact?.value).toEqual({ name: 'Ada', born: new Date(0) });
    const [{ event } = expect.fail()] = await one.reader().read();
    expect(event.data.contact.or(undefined)?.name).toBe('Ada');
  }
  expect(inspect(ada)).not.toContain('Ada');
  expect(JSON.stringify(ada)).not.toContain('Ada');
  expect(shredded).toBe(shredded);
  expect(Personal).toBe(Personal);
});
