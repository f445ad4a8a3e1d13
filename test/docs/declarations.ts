import type { Payments } from '../../examples/shop/payments.ts';
import type { ReservationEvent } from '../../examples/shop/reservation.ts';

// Names that doc comments of src/ use without declaring them. Examples that use one are compiled and not executed.
export { once } from 'node:events';
export { expect } from 'vitest';

export declare const adminUrl: string;
export declare const customerId: string;
export declare const expected: readonly string[];
export declare const ingressUrl: string;
export declare const payments: Payments;
export declare const reservationCreated: ReservationEvent;
