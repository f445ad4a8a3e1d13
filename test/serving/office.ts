// A system that follows the log of another one. Threads and processes import it from here.
import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Billing, Sales } from './two-systems.ts';

const url = process.env.KAHN_TEST_SALES_URL ?? 'http://127.0.0.1:1/logs';
const headers = () => ({ authorization: `Bearer ${process.env.KAHN_TEST_TOKEN}` });

export const office = System.of(
  [[remote(Sales, { system: 'shop', url, headers, timeoutMs: 2_000 }), Billing]],
  {
    module: import.meta.url,
  },
);
