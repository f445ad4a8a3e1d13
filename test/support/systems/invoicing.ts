import { Aggregate, Application, type Beginnings, type DomainEvent, ProcessApplication, System } from 'kahn';

export type OrderEvent =
  | DomainEvent<'Order.Placed', { customer: string }>
  | DomainEvent<'Order.Paid', Record<never, never>>;

export class Order extends Aggregate<OrderEvent> {
  static place(customer: string): Order {
    return Order.create('Order.Placed', { customer });
  }
  pay(): void {
    this.trigger('Order.Paid', {});
  }
  protected override apply(): void {}
}

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed', 'Order.Paid'] as const;

  /** Places and pays orders, and returns their ids. */
  async place(...customers: readonly string[]): Promise<string[]> {
    const orders = customers.map((customer) => Order.place(customer));
    for (const order of orders) {
      await this.save(order);
      order.pay();
      await this.save(order);
    }
    return orders.map(({ id }) => id);
  }
}

export type InvoiceEvent =
  | DomainEvent<'Invoice.Made', { orderId: string; isReplay: boolean; sideEffects: boolean }>
  | DomainEvent<'Invoice.Settled', { orderId: string; isReplay: boolean; sideEffects: boolean }>;

export class Invoice extends Aggregate<InvoiceEvent> {
  protected override apply(): void {}
  static record(type: InvoiceEvent['type'], data: InvoiceEvent['data'], id: string): Invoice {
    return Invoice.create(type, data, id);
  }
}

/** Returns a class of invoices that begins at a place, and handles both types of events or only the placing of orders. */
export function invoicesOf({
  begins = 'start',
  isComplete = true,
  tells = true,
}: {
  tells?: boolean;
  begins?: Beginnings;
  isComplete?: boolean;
}) {
  class Invoices extends ProcessApplication<InvoiceEvent, OrderEvent> {
    static readonly applicationName = 'invoices';
    static readonly emits = ['Invoice.Made', 'Invoice.Settled'] as const;
    static readonly begins: Beginnings = begins;
    /** Called with each event. */
    static meanwhile: (isReplay: boolean) => void = () => {};
    override readonly policy = this.when({
      'Order.Placed': ({ originatorId: orderId }, repository, { isReplay, sideEffects }) => {
        (this.constructor as typeof Invoices).meanwhile(isReplay);
        return Invoice.record(
          'Invoice.Made',
          { orderId, isReplay: tells && isReplay, sideEffects },
          repository.deriveId(),
        );
      },
      ...(isComplete && {
        'Order.Paid': ({ originatorId: orderId }, repository, { isReplay, sideEffects }) => {
          (this.constructor as typeof Invoices).meanwhile(isReplay);
          return Invoice.record(
            'Invoice.Settled',
            { orderId, isReplay: tells && isReplay, sideEffects },
            repository.deriveId(),
          );
        },
      }),
    });
  }
  return Invoices;
}

const module = import.meta.url;
export const Invoices = invoicesOf({});
export type Apps = typeof Orders | typeof Invoices;
export const system = System.of([[Orders, Invoices]], { module });
export const fromEnd = System.of([[Orders, invoicesOf({ begins: 'end' })]], { module, name: 'fromEnd' });
export const fromEndOfOrders = System.of([[Orders, invoicesOf({ begins: { orders: 'end' } })]], {
  module,
  name: 'fromEndOfOrders',
});
/** Handles no `Order.Paid`. */
export const incomplete = System.of([[Orders, invoicesOf({ isComplete: false })]], {
  module,
  name: 'incomplete',
});
/** Its invoices are the same in a replay as at first. */
export const plainFromEnd = System.of([[Orders, invoicesOf({ begins: 'end', tells: false })]], {
  module,
  name: 'plainFromEnd',
});
