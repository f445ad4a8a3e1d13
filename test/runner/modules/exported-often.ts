import { memory, System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from './shop.ts';

export { shop as sameShop } from './shop.ts';
export { shop };
export const boundShop = shop.bind(memory());
export const another = System.of([[Orders]], { module: import.meta.url, name: 'another' });
