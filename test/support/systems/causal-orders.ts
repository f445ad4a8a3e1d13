// Orders that are made in one pipeline and changed in others, and a ledger that follows them. Threads and processes
// import the systems from here. An environment variable and files set the delays of their policies.
import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Aggregate, Application, type DomainEvent, ProcessApplication, System } from 'kahn';
import { untilLowered } from '../../runner/multi-threaded/file-flags.ts';

type OrderEvent =
  | DomainEvent<'Order.Made', { customer: string }>
  | DomainEvent<'Order.Changed', { customer: string; number: number }>;

class Order extends Aggregate<OrderEvent> {
  customer = '';
  changes = 0;

  static make(customer: string): Order {
    return Order.create('Order.Made', { customer });
  }

  change(): void {
    this.trigger('Order.Changed', { customer: this.customer, number: this.changes + 1 });
  }

  protected override apply(event: OrderEvent): void {
    this.customer = event.data.customer;
    if (event.type === 'Order.Changed') this.changes = event.data.number;
  }
}

/** Orders with events that name their causal dependencies in other pipelines. */
export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Made', 'Order.Changed'] as const;
  static readonly causalDependencies: boolean = true;

  async make(customer: string): Promise<string> {
    const order = Order.make(customer);
    await this.save(order);
    return order.id;
  }

  async change(id: string): Promise<void> {
    const order = await this.repository.get(Order, id);
    order.change();
    await this.save(order);
  }
}

/** Orders with events that name no dependencies. */
export class CarelessOrders extends Orders {
  static override readonly causalDependencies = false;
}

type EntryEvent =
  | DomainEvent<'Entry.Opened', { customer: string }>
  | DomainEvent<'Entry.Continued', { number: number }>
  | DomainEvent<'Miss.Noted', { customer: string; number: number }>;

class Entry extends Aggregate<EntryEvent> {
  changes = 0;

  continue(number: number): void {
    this.trigger('Entry.Continued', { number });
  }

  protected override apply(event: EntryEvent): void {
    if (event.type === 'Entry.Continued') this.changes = event.data.number;
  }
}

/** A change that was processed before the change or the order that it depends on. */
class Miss extends Aggregate<EntryEvent> {}

/** Keeps an entry for each order and counts its changes; records a miss for each change that is out of order. */
export class Ledger extends ProcessApplication<EntryEvent, OrderEvent> {
  static readonly applicationName = 'ledger';
  static readonly emits = ['Entry.Opened', 'Entry.Continued', 'Miss.Noted'] as const;
  override readonly policy = this.when({
    'Order.Made': async ({ originatorId, data }) => {
      await untilLowered('hold');
      await dawdle(`${data.customer} made`);
      return Entry.create('Entry.Opened', data, originatorId);
    },
    'Order.Changed': async ({ originatorId, data }, repository) => {
      await dawdle(`${data.customer} ${data.number}`);
      const entry =
        (await repository.has(Entry, originatorId)) && (await repository.get(Entry, originatorId));
      if (entry && entry.changes === data.number - 1) entry.continue(data.number);
      else return Miss.create('Miss.Noted', data, repository.deriveId());
    },
  });

  /** Returns the number of changes that the entry of an order has counted. */
  async changesOf(orderId: string): Promise<number> {
    return (await this.repository.get(Entry, orderId)).changes;
  }
}

const variable = 'KAHN_TEST_DAWDLING';

/** Delays policies by random times up to `maxMs`, in threads and processes started from now on. */
export function letDawdle(seed: number, maxMs: number): void {
  process.env[variable] = `${seed} ${maxMs}`;
}

/** Waits the same time for the same seed and event. */
async function dawdle(what: string): Promise<void> {
  const [seed, maxMs = 0] = (process.env[variable] ?? '').split(' ').map(Number);
  if (maxMs === 0) return;
  const part = Number.parseInt(hash('sha256', `${seed} ${what}`).slice(0, 8), 16) / 2 ** 32;
  await delay(part * maxMs);
}

const { url: module } = import.meta;
export const causalOrders = System.of([[Orders, Ledger]], { module, name: 'causal' });
export const carelessOrders = System.of([[CarelessOrders, Ledger]], { module, name: 'careless' });
