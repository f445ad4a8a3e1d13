import {
  type Cause,
  explain,
  type Metadata,
  memory,
  ProcessApplication,
  type RecordedEvent,
  type Saved,
  type SaveOptions,
  System,
  type SystemRunner,
  verify,
} from 'kahn';
import { expectTypeOf } from 'vitest';
import { Order, type OrderEvent } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import type { PaymentEvent } from '../../examples/shop/payment.ts';
import { Payments } from '../../examples/shop/payments.ts';

// A program declares the metadata that it uses. The declaration holds for all tests that are compiled together.
declare module 'kahn' {
  interface Metadata {
    readonly typedUser?: string | undefined;
  }
}

export class ReadsProvenance extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when({
    'Order.Created': (event) => {
      expectTypeOf(event.cause).toEqualTypeOf<Cause | undefined>();
      expectTypeOf(event.correlationId).toEqualTypeOf<string | undefined>();
      expectTypeOf(event.metadata?.typedUser).toEqualTypeOf<string | undefined>();
      expectTypeOf(event.metadata?.anything).toBeUnknown();
      // @ts-expect-error provenance is frozen
      event.correlationId = '1';
      // @ts-expect-error metadata is frozen
      if (event.metadata) event.metadata.typedUser = 'ada';
    },
  });
}

const orders = new Orders();
const order = Order.place('ada');
expectTypeOf(orders.save(order)).resolves.toEqualTypeOf<Saved>();
orders.save(order, order, { metadata: { typedUser: 'ada', anything: [1] }, correlationId: 'order 1' });
orders.save(order, {});
orders.save(order, { metadata: undefined, correlationId: undefined });
// A command passes its options on.
export const place = (options?: SaveOptions) => orders.save(Order.place('ada'), options);
export const stop = (runner: SystemRunner, saved: Saved, signal?: AbortSignal) =>
  Promise.all([
    runner.settled(saved, { signal }),
    runner.processed(saved, { by: Payments, signal }),
    runner.caughtUp({ signal }),
    explain(memory(), 'orders', 1, { signal }),
    verify(memory(), System.of([[Orders, Payments]]), { signal }),
  ]);
// @ts-expect-error the type that the program declared
orders.save(order, { metadata: { typedUser: 1 } });
// @ts-expect-error an option that does not exist
orders.save(order, { metdata: {} });
// @ts-expect-error options come last
orders.save({ metadata: {} }, order);

for await (const { event } of orders.reader()) {
  expectTypeOf(event).toEqualTypeOf<RecordedEvent<OrderEvent>>();
  if (event.type === 'Order.Created') expectTypeOf(event.data.customer).toBeString();
}

// Code that takes plain events takes recorded ones too.
declare const recorded: RecordedEvent<OrderEvent>;
expectTypeOf(recorded).toExtend<OrderEvent>();

System.of([[Orders, Payments]], { carryMetadata: ({ metadata }) => ({ typedUser: metadata?.typedUser }) });
System.of([[Orders, Payments]], { carryMetadata: () => undefined });
// @ts-expect-error the type that the program declared
System.of([[Orders, Payments]], { carryMetadata: () => ({ typedUser: 1 }) });
expectTypeOf<Metadata>().toHaveProperty('typedUser');
