import { run } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { Orders, shop } from './shop.ts';

// Records a day of orders in recorded.db, in place of a copy of the storage in production.
await using runner = await run(shop, { storage: sqlite({ file: 'recorded.db' }) });
for (const customer of ['Ada', 'Wilhelmina van Oranje-Nassau', 'Bo']) {
  await runner.get(Orders).place(customer);
}
