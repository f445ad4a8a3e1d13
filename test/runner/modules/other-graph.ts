import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

export const shop = System.of([[Orders, Reservations]], { module: import.meta.url });
