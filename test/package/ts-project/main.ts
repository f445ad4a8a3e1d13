import { MultiprocessRunner, MultiThreadedRunner, memory, type Persistence } from 'kahn';
import { postgres } from 'kahn/postgres';
import { RestateRunner, RestateService } from 'kahn/restate';
import { sqlite } from 'kahn/sqlite';
import { Order, Orders, shop } from './shop.ts';

// Runs the shop on either storage, and prints where each order was reserved.
const reservations: Record<string, (string | undefined)[]> = {};
for (const [storage, persistence] of Object.entries<Persistence>({
  memory: memory(),
  sqlite: sqlite({ directory: 'data' }),
})) {
  await using runner = await MultiThreadedRunner.start(shop, { persistence });
  const orders = runner.get(Orders);
  const ids = await Promise.all(['ada', 'grace', 'joan'].map((customer) => orders.place(customer)));
  await runner.caughtUp();
  const placed = await Promise.all(ids.map((id) => orders.repository.get(Order, id)));
  reservations[storage] = placed.map(({ reservation }) => reservation);
}

// The same in processes.
{
  const persistence = sqlite({ directory: 'data' });
  await using runner = await MultiprocessRunner.start(shop, { persistence, pipelineIds: [1] });
  const orders = runner.get(Orders);
  const id = await orders.place('ada');
  await runner.caughtUp();
  reservations.processes = [(await orders.repository.get(Order, id)).reservation];
}

// The driver is not installed here.
const withoutDriver: string = await MultiThreadedRunner.start(shop, { persistence: postgres() }).then(
  () => 'started',
  (error: Error) => error.message,
);
// Nor is the SDK of the engine, which only services need: runners speak with it without.
const withoutSdk: string = await RestateService.start(shop, { persistence: postgres() }).then(
  () => 'started',
  (error: Error) => error.message,
);
const withoutEngine: string = await RestateRunner.start(shop, {
  persistence: sqlite({ directory: 'data' }),
  ingressUrl: 'http://127.0.0.1:1',
  adminUrl: 'http://127.0.0.1:1',
}).then(
  () => 'started',
  (error: Error & { code?: string }) => `${error.code}`,
);
const kahn = import.meta.resolve('kahn');
console.log(JSON.stringify({ kahn, reservations, withoutDriver, withoutSdk, withoutEngine }));
