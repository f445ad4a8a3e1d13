import { Aggregate, Application, type DomainEvent } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Order, type OrderEvent } from '../../examples/shop/order.ts';
import { Payment } from '../../examples/shop/payment.ts';

// `create` makes the subclass and checks type and data.
expectTypeOf(Order.create('Order.Created', { customer: 'ada' })).toEqualTypeOf<Order>();
// @ts-expect-error there is no such event
Order.create('Order.Shipped', { customer: 'ada' });
// @ts-expect-error a customer is a string
Order.create('Order.Created', { customer: 1 });
// @ts-expect-error the customer is missing
Order.create('Order.Created', {});
// @ts-expect-error the data of another event
Order.create('Order.Created', { reservationId: '1' });
// @ts-expect-error an order has no discount
Order.create('Order.Created', { customer: 'ada', discount: 1 });

type CartEvent =
  | DomainEvent<'Cart.Opened', { tags: string[]; prices: Map<string, bigint> }>
  | DomainEvent<'Cart.Closed', { at: Date }>;

class Cart extends Aggregate<CartEvent> {
  close(at: Date): void {
    this.trigger('Cart.Closed', { at });
    // @ts-expect-error a time is a Date
    this.trigger('Cart.Closed', { at: 'now' });
    // @ts-expect-error the data of another event
    this.trigger('Cart.Closed', { tags: [], prices: new Map() });
  }

  protected override apply(event: CartEvent): void {
    if (event.type !== 'Cart.Opened') return;
    expectTypeOf(event.data.tags).toEqualTypeOf<readonly string[]>();
    expectTypeOf(event.data.prices).toEqualTypeOf<ReadonlyMap<string, bigint>>();
    // @ts-expect-error recorded data is frozen
    event.data.tags.push('more');
    // @ts-expect-error the data of another event
    event.data.at;
  }
}

class Carts extends Application<CartEvent | OrderEvent> {
  static readonly applicationName = 'carts';
  static readonly emits = [
    'Cart.Opened',
    'Cart.Closed',
    'Order.Created',
    'Order.Reserved',
    'Order.Paid',
  ] as const;

  async work(): Promise<void> {
    const cart = Cart.create('Cart.Opened', { tags: ['new'], prices: new Map() });
    await this.save(cart, Order.place('ada'));
    // @ts-expect-error payments are recorded by another application
    await this.save(Payment.for('1', '2'));
    expectTypeOf(await this.repository.get(Cart, cart.id, { version: 1 })).toEqualTypeOf<Cart>();
    // @ts-expect-error payments are recorded by another application
    await this.repository.get(Payment, '2');
    for await (const { event } of this.reader()) {
      if (event.type === 'Order.Created')
        expectTypeOf(event.data).toEqualTypeOf<{ readonly customer: string }>();
    }
  }
}

expectTypeOf(new Carts().applicationName).toBeString();
