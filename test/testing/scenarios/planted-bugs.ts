import { Aggregate, type DomainEvent, defineResources, nameId, ProcessApplication, System } from 'kahn';
import type { OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

type TicketEvent = DomainEvent<'Ticket.Printed', { number: number }>;

class Ticket extends Aggregate<TicketEvent> {}

/** Numbers the orders by a count in memory, which a restart loses. */
export class CountingTickets extends ProcessApplication<TicketEvent, OrderEvent> {
  static readonly applicationName = 'tickets';
  static readonly emits = ['Ticket.Printed'] as const;
  #count = 0;

  override readonly policy = this.when({
    'Order.Created': (_, repository) => {
      this.#count += 1;
      return Ticket.create('Ticket.Printed', { number: this.#count }, repository.deriveId());
    },
  });
}

/** Numbers the orders by chance. */
export class RandomTickets extends ProcessApplication<TicketEvent, OrderEvent> {
  static readonly applicationName = 'tickets';
  static readonly emits = ['Ticket.Printed'] as const;

  override readonly policy = this.when({
    'Order.Created': (_, repository) =>
      Ticket.create('Ticket.Printed', { number: Math.random() }, repository.deriveId()),
  });
}

export interface MailResources {
  readonly mailer: { send(customer: string): void };
}

/** Sends a mail for each order: once more if the process crashes before the position is recorded. */
export class Mails extends ProcessApplication<never, OrderEvent, { resources: MailResources }> {
  static readonly applicationName = 'mails';
  static readonly emits = [] as const;

  override readonly policy = this.when({
    'Order.Created': ({ data }, _repository, { resources }) => resources.mailer.send(data.customer),
  });
}

/** Names its tickets by the orders, whose ids are random: no bug. */
export class NamedTickets extends ProcessApplication<TicketEvent, OrderEvent> {
  static readonly applicationName = 'tickets';
  static readonly emits = ['Ticket.Printed'] as const;

  override readonly policy = this.when({
    'Order.Created': ({ data: { customer }, originatorId }) =>
      Ticket.create('Ticket.Printed', { number: customer.length }, nameId('ticket', originatorId)),
  });
}

/** Does not end. */
export class EndlessTickets extends ProcessApplication<TicketEvent, OrderEvent> {
  static readonly applicationName = 'tickets';
  static readonly emits = ['Ticket.Printed'] as const;

  override readonly policy = this.when({
    'Order.Created': () => new Promise<undefined>(() => {}),
  });
}

export const namedShop = System.of([[Orders, NamedTickets]]);
export const endlessShop = System.of([[Orders, EndlessTickets]]);
export const countingShop = System.of([
  [Orders, Reservations, Orders],
  [Orders, CountingTickets],
]);
export const randomShop = System.of([[Orders, RandomTickets]]);
export const mailingShop = System.of([[Orders, Mails]], {
  resources: defineResources({ mailer: (): MailResources['mailer'] => ({ send() {} }) }),
});
