import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

/** What the modules beside this one export. */
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });
