import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Aggregate,
  Application,
  type DomainEvent,
  ProcessApplication,
  SingleThreadedRunner,
  type StorageDescription,
  System,
  type SystemRunner,
} from 'kahn';
import { nodeListener, serveLogs } from 'kahn/http';

type SaleEvent = DomainEvent<'Sale.Made', { readonly customer: string }>;
type BillEvent = DomainEvent<'Bill.Written', { readonly saleId: string }>;

export class Sale extends Aggregate<SaleEvent> {
  static make(customer: string): Sale {
    return Sale.create('Sale.Made', { customer });
  }
}

export class Sales extends Application<SaleEvent> {
  static readonly applicationName = 'sales';
  static readonly emits = ['Sale.Made'] as const;
}

class Bill extends Aggregate<BillEvent> {}

/** Writes a bill for each sale of another system. */
export class Billing extends ProcessApplication<BillEvent, SaleEvent> {
  static readonly applicationName = 'billing';
  static readonly emits = ['Bill.Written'] as const;

  override readonly policy = this.when({
    'Sale.Made': ({ originatorId: saleId }, repository) =>
      Bill.create('Bill.Written', { saleId }, repository.deriveId()),
  });
}

/** Returns the application of sales with another size of sections. */
export function salesWith(size: number): typeof Sales {
  return class extends Sales {
    static readonly sectionSize = size;
  };
}

export const systemName = 'seller';

/** A running system whose log of sales is served on the loopback interface. */
export interface ServedSales extends AsyncDisposable {
  readonly runner: SystemRunner<typeof Sales>;
  readonly url: string;
}

/** Runs the system of sales, and serves its log without a limit on requests. */
export async function serveSales(
  storage: StorageDescription,
  sales: typeof Sales = Sales,
): Promise<ServedSales> {
  await using opened = new AsyncDisposableStack();
  const system = System.of([[sales]], { name: systemName });
  const runner = opened.use(await SingleThreadedRunner.start(system, { storage }));
  const handler = serveLogs(runner, {
    applications: [sales],
    authorize: () => true,
    maxRequestsPerSecond: Number.MAX_SAFE_INTEGER,
  });
  const server = opened.use(createServer(nodeListener(handler)).listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`;
  const kept = opened.move();
  return { runner, url, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
