import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

/** The system that most modules of this folder export. */
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });
