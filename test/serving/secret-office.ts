// A system that follows the log of another one with a token from a file. Processes import it from here.
import { readFileSync } from 'node:fs';
import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Billing, Sales } from './two-systems.ts';

const { KAHN_TEST_SECRET_URL: url = 'http://127.0.0.1:1/logs', KAHN_TEST_TOKEN_FILE: file = '' } =
  process.env;
const headers = () => ({ authorization: `Bearer ${readFileSync(file, 'utf8')}` });

export const office = System.of(
  [[remote(Sales, { system: 'shop', url, headers, timeoutMs: 5_000 }), Billing]],
  {
    module: import.meta.url,
    name: 'office',
  },
);
