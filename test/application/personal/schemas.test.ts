import { type } from 'arktype';
import {
  Aggregate,
  Application,
  defineEvents,
  type EventsOf,
  event,
  memory,
  Personal,
  personal,
  run,
  System,
  shred,
} from 'kahn';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { z } from 'zod';

type Contact = { name: string };
const events = defineEvents(
  {
    'Customer.Zod': event(z.object({ contact: z.instanceof(Personal<Contact>) })),
    'Customer.Valibot': event(v.object({ contact: v.instance(Personal<Contact>) })),
    'Customer.Arktype': event(type({ contact: type.instanceOf(Personal<Contact>) })),
  },
  { validateReads: true },
);
class Customer extends Aggregate<EventsOf<typeof events>> {}
class Customers extends Application<EventsOf<typeof events>> {
  static readonly applicationName = 'customers';
  static readonly emits = events;
}
const system = System.of([[Customers]]);

test.each(['Customer.Zod', 'Customer.Valibot', 'Customer.Arktype'] as const)(
  'the schema of %s accepts personal data',
  async (name) => {
    const storage = memory();
    await using runner = await run(system, { storage });
    const customers = runner.get(Customers);
    await customers.save(Customer.create(name, { contact: personal('c-1', { name: 'Ada' }) }));
    await shred(storage, system, 'c-1', { by: 'support', reason: 'erasure request 17' });
    const [{ event: read } = expect.fail()] = await customers.reader().read();
    expect(read.data.contact.isShredded).toBe(true);
    const plain = { contact: { name: 'Ada' } } as unknown as { contact: Personal<Contact> };
    await expect(customers.save(Customer.create(name, plain))).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
  },
);
