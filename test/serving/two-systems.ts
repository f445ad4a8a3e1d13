// Applications of two systems that follow each other.
import { Aggregate, type DomainEvent, ProcessApplication } from 'kahn';

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
