import type { DatabaseSync } from 'node:sqlite';
import {
  Application,
  defineResources,
  memory,
  ProcessApplication,
  type ResourcesOf,
  run,
  SteppingSingleThreadedRunner,
  System,
} from 'kahn';
import { expectTypeOf } from 'vitest';
import type { OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import type { PaymentEvent } from '../../../examples/shop/payment.ts';

interface Mailer {
  send(to: string): Promise<void>;
  quit(): Promise<void>;
}
declare function connect(url: string, options: { signal: AbortSignal }): Promise<Mailer>;
declare const fakeMail: Mailer;

const resources = defineResources({
  settings: () => ({ mailUrl: 'smtp://mail.example' }),
  rates: async () => new Map([['EUR', 1]]),
}).and({
  mail: async ({ resources, signal, onClose }) => {
    expectTypeOf(resources.settings.mailUrl).toEqualTypeOf<string>();
    const mail = await connect(resources.settings.mailUrl, { signal });
    onClose(() => mail.quit());
    return mail;
  },
});
type ShopResources = ResourcesOf<typeof resources>;
declare const opened: ShopResources;
expectTypeOf(opened.settings).toEqualTypeOf<{ mailUrl: string }>();
expectTypeOf(opened.rates).toEqualTypeOf<Map<string, number>>();
expectTypeOf(opened.mail).toEqualTypeOf<Mailer>();

class Payments extends ProcessApplication<PaymentEvent, OrderEvent, { resources: ShopResources }> {
  static readonly applicationName = 'payments';
  static readonly emits = ['Payment.Created'] as const;
  override readonly policy = this.when({
    'Order.Reserved': (_event, _repository, { resources }) => {
      expectTypeOf(resources).toEqualTypeOf<ShopResources>();
      expectTypeOf(this.resources).toEqualTypeOf<ShopResources>();
    },
  });
}

class Sales extends Application<PaymentEvent, { resources: { mail: Pick<Mailer, 'send'> } }> {
  static readonly applicationName = 'sales';
  static readonly emits = ['Payment.Created'] as const;
  greet() {
    // @ts-expect-error this application declares that it needs no rates
    void this.resources.rates;
    return this.resources.mail.send('ada');
  }
}

class Rows extends ProcessApplication<never, OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'rows';
  static readonly emits = [] as const;
  override readonly policy = this.when({
    'Order.Created': (_event, _repository, { resources, rows }) => {
      expectTypeOf(resources).toBeUnknown();
      expectTypeOf(rows()).toEqualTypeOf<Promise<DatabaseSync>>();
    },
  });
}

// A system with all resources that its applications need.
const shop = System.of([[Orders, Payments, Orders], Sales], { resources });
expectTypeOf((await run(shop)).get(Sales)).toEqualTypeOf<Sales>();
System.of([[Orders, Rows]]);
System.of([[Orders, Rows]], { resources });
const few = defineResources({ mail: () => fakeMail });
System.of([Sales], { resources: few });

// @ts-expect-error the system has no resources
System.of([[Orders, Payments]]);
// @ts-expect-error the system has no resources, but other options
System.of([[Orders, Payments]], { module: import.meta.url });
// @ts-expect-error a single class is checked, too
System.of([Sales]);
// @ts-expect-error 'payments' needs settings and rates
System.of([[Orders, Payments]], { resources: few });
// @ts-expect-error mail has another type
System.of([Sales], { resources: defineResources({ mail: () => 'no mailer' }) });
// @ts-expect-error definitions are made by defineResources()
System.of([Sales], { resources: { mail: () => fakeMail } });
// @ts-expect-error a definition is a function
defineResources({ mail: fakeMail });
// @ts-expect-error a later resource uses only those that are defined before
defineResources({ mail: () => fakeMail }).and({ list: ({ resources }) => resources.rates });

// Replacements in tests.
await run(shop, { resources: { mail: fakeMail } });
await run(shop.bind(memory()), { resources: {} });
await SteppingSingleThreadedRunner.start(shop, { resources: { mail: fakeMail } });
await shop.open(Payments, { resources: { mail: fakeMail } });
// @ts-expect-error the replacement has another type
await run(shop, { resources: { mail: 'no mailer' } });
// @ts-expect-error the system defines no such resource
await run(shop, { resources: { mial: fakeMail } });
// @ts-expect-error the replacement has another type
await shop.open(Payments, { resources: { rates: 1 } });

// Applications that are opened without a system.
await Sales.open({ storage: memory(), resources: few });
await Orders.open({ storage: memory() });
// @ts-expect-error the class needs resources
await Sales.open({ storage: memory() });
// @ts-expect-error the class needs a mailer
await Sales.open({ storage: memory(), resources: defineResources({ rates: () => 1 }) });
