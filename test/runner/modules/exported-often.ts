import { memory, System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });
export const boundShop = shop.bind(memory());
export const another = System.of([[Orders]], { module: import.meta.url, name: 'another' });
export default shop;
