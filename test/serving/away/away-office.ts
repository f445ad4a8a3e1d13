// A system that follows its own log and that of another system, which is away. Threads and processes import it from here.
import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Billing, Sales } from '../two-systems.ts';

/** Sales of this system, beside those of the other one. */
export class OwnSales extends Sales {
  static override readonly applicationName = 'own-sales' as 'sales';
}

const url = process.env.KAHN_TEST_AWAY_URL ?? 'http://127.0.0.1:1/logs';

/** Longer than a test may take. */
const timeoutMs = 600_000;
export const RemoteSales = remote(Sales, { system: 'shop', url, timeoutMs });

export const office = System.of(
  [
    [RemoteSales, Billing],
    [OwnSales, Billing, OwnSales],
  ] as const,
  { module: import.meta.url, name: 'office' },
);
