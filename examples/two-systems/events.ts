import type { DomainEvent } from 'kahn';

export type OrderEvent =
  | DomainEvent<'Order.Placed', { customer: string }>
  | DomainEvent<'Order.Invoiced', { invoiceId: string }>;

export type InvoiceEvent = DomainEvent<'Invoice.Written', { orderId: string; customer: string }>;
