import { Aggregate, type DomainEvent, ProcessApplication, System } from 'kahn';
import type { OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';

type TicketEvent = DomainEvent<'Ticket.Printed', { isKnown: boolean }>;

class Ticket extends Aggregate<TicketEvent> {}

/** Customers of this thread: a policy must not read what a command leaves in memory. */
const customers = new Set<string>();

export class Counter extends Orders {
  override place(customer: string): Promise<string> {
    customers.add(customer);
    return super.place(customer);
  }
}

export class Tickets extends ProcessApplication<TicketEvent, OrderEvent> {
  static readonly applicationName = 'tickets';
  static readonly emits = ['Ticket.Printed'] as const;

  override readonly policy = this.when({
    'Order.Created': ({ data }, repository) =>
      Ticket.create('Ticket.Printed', { isKnown: customers.has(data.customer) }, repository.deriveId()),
  });
}

export const tallyingShop = System.of([[Counter, Tickets]], { module: import.meta.url });
