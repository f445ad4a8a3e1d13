// Two systems with several pipelines, one of which follows the other. Threads import them from here.
import { System } from 'kahn';
import { remote } from 'kahn/http';
import { Billing, Sales } from '../two-systems.ts';

const url = process.env.KAHN_TEST_PIPELINES_URL ?? 'http://127.0.0.1:1/logs';

export const shop = System.of([[Sales]], { module: import.meta.url, name: 'shop' });
export const office = System.of([[remote(Sales, { system: 'shop', url }), Billing]] as const, {
  module: import.meta.url,
  name: 'office',
});
