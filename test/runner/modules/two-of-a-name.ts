import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

export const one = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });
export const other = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });
