// A system that follows its own log and those of many other systems. Threads and processes import it from here.
import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Billing, Sales } from '../two-systems.ts';

/** Number of other systems. */
export const shops = 6;

/** Sales of this system, beside those of the other ones. */
export class OwnSales extends Sales {
  static override readonly applicationName = 'own-sales' as 'sales';
}

const url = process.env.KAHN_TEST_SILENT_URL ?? 'http://127.0.0.1:1';

/** Longer than a test may take. */
const timeoutMs = 600_000;
const others = Array.from({ length: shops }, (_, i) =>
  remote(Sales, { system: `shop${i}`, url: `${url}/shop${i}`, timeoutMs }),
);

export const office = System.of(
  [...others, OwnSales].map((one) => [one, Billing]),
  { module: import.meta.url, name: 'office' },
);
