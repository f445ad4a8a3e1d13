// Two systems on storages of their own, which follow each other over HTTP.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Aggregate, type DomainEvent, ProcessApplication } from 'kahn';
import { type LogHandler, nodeListener } from 'kahn/http';
import { onTestFinished } from 'vitest';

export type SaleEvent =
  | DomainEvent<'Sale.Made', { amount: number }>
  | DomainEvent<'Sale.Billed', { billId: string }>;
export type BillEvent = DomainEvent<'Bill.Written', { saleId: string; amount: number }>;

export class Sale extends Aggregate<SaleEvent> {
  billIds: string[] = [];
  static make(amount: number) {
    return Sale.create('Sale.Made', { amount });
  }
  bill(billId: string) {
    this.trigger('Sale.Billed', { billId });
  }
  protected override apply(event: SaleEvent) {
    if (event.type === 'Sale.Billed') this.billIds.push(event.data.billId);
  }
}

export class Bill extends Aggregate<BillEvent> {}

export class Sales extends ProcessApplication<SaleEvent, BillEvent> {
  static readonly applicationName = 'sales';
  static readonly emits = ['Sale.Made', 'Sale.Billed'] as const;
  static readonly sectionSize = 5;
  override readonly policy = this.when({
    'Bill.Written': async (event, repository) => {
      (await repository.get(Sale, event.data.saleId)).bill(event.originatorId);
    },
  });
}

export class Billing extends ProcessApplication<BillEvent, SaleEvent> {
  static readonly applicationName = 'billing';
  static readonly emits = ['Bill.Written'] as const;
  override readonly policy = this.when({
    'Sale.Made': ({ originatorId: saleId, data }, repository) =>
      Bill.create('Bill.Written', { saleId, amount: data.amount }, repository.deriveId()),
  });
}

/** A server on a port of its own, whose handler is set later. */
export class TestServer {
  handler: LogHandler | undefined;
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`;
  }

  static async listen(): Promise<TestServer> {
    const answer: { from?: TestServer } = {};
    const listener = nodeListener(
      async (request) => (await answer.from?.handler?.(request)) ?? new Response(null, { status: 503 }),
    );
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    answer.from = new TestServer(server);
    return answer.from;
  }

  /** Ends all connections, as when a network fails. */
  cut(): void {
    this.#server.closeAllConnections();
  }
}
