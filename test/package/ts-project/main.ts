import { MultiprocessRunner, MultiThreadedRunner, memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { RestateRunner, RestateService } from 'kahn/restate';
import { sqlite } from 'kahn/sqlite';
import { Order, Orders, shop } from './shop.ts';

// Runs the shop on memory and on SQLite, and prints where each order was reserved.
const reservations: Record<string, (string | undefined)[]> = {};
for (const [name, storage] of Object.entries<StorageDescription>({
  memory: memory(),
  sqlite: sqlite({ file: 'shop.db' }),
})) {
  await using runner = await MultiThreadedRunner.start(shop, { storage });
  const orders = runner.get(Orders);
  const ids = await Promise.all(['ada', 'grace', 'joan'].map((customer) => orders.place(customer)));
  await runner.caughtUp();
  const placed = await Promise.all(ids.map((id) => orders.repository.get(Order, id)));
  reservations[name] = placed.map(({ reservation }) => reservation);
}

// Runs the shop in processes.
{
  const storage = sqlite({ file: 'shop.db' });
  await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds: [1] });
  const orders = runner.get(Orders);
  const id = await orders.place('ada');
  await runner.caughtUp();
  reservations.processes = [(await orders.repository.get(Order, id)).reservation];
}

// The driver `pg` is not installed in this project.
const withoutDriver: string = await MultiThreadedRunner.start(shop, { storage: postgres() }).then(
  () => 'started',
  (error: Error) => error.message,
);
// The SDK of the engine is not installed either. Services need it, runners do not.
const withoutSdk: string = await RestateService.start(shop, { storage: postgres() }).then(
  () => 'started',
  (error: Error) => error.message,
);
const withoutEngine: string = await RestateRunner.start(shop, {
  storage: sqlite({ file: 'shop.db' }),
  ingressUrl: 'http://127.0.0.1:1',
  adminUrl: 'http://127.0.0.1:1',
}).then(
  () => 'started',
  (error: Error & { code?: string }) => `${error.code}`,
);
const kahn = import.meta.resolve('kahn');
console.log(JSON.stringify({ kahn, reservations, withoutDriver, withoutSdk, withoutEngine }));
