import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Invoices } from './invoices.ts';
import { Orders } from './orders.ts';

const headers = () => ({ authorization: `Bearer ${process.env.TOKEN}` });

/** Returns the shop. Follows the invoices that are served at a URL. */
export const shopFollowing = (url: string) =>
  System.of([[remote(Invoices, { system: 'office', url, headers }), Orders]], { name: 'shop' });

/** Returns the office. Follows the orders that are served at a URL. */
export const officeFollowing = (url: string) =>
  System.of([[remote(Orders, { system: 'shop', url, headers }), Invoices]], { name: 'office' });
