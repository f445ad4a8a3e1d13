import type { Repository, SteppingRunner, StorageDescription } from 'kahn';
import type { Orders } from '../../examples/shop/orders.ts';
import type { Payments } from '../../examples/shop/payments.ts';
import type { ReservationEvent } from '../../examples/shop/reservation.ts';
import type { Reservations } from '../../examples/shop/reservations.ts';

// Names that doc comments of src/ use and do not declare. Their examples are compiled and not executed.
export { once } from 'node:events';
export { expect } from 'vitest';
export { Account, type AccountEvent, Accounts } from '../support/accounts.ts';

export declare const runner: SteppingRunner<typeof Orders | typeof Payments | typeof Reservations>;
export declare const orders: Orders;
export declare const payments: Payments;
export declare const reservationCreated: ReservationEvent;
export declare const repository: Repository;
export declare const storage: StorageDescription;
export declare const connectionString: string;
export declare const customerId: string;
export declare const expected: readonly string[];
export declare const ingressUrl: string;
export declare const adminUrl: string;
export declare class Money {
  readonly cents: number;
  constructor(cents: number);
}
