import { MultiprocessRunner, MultiThreadedRunner, memory } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { Order, Orders, shop } from './shop.js';

// Runs the shop on memory and on SQLite, and prints where each order was reserved.
const reservations = {};
for (const [name, storage] of Object.entries({
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
console.log(JSON.stringify({ kahn: import.meta.resolve('kahn'), reservations }));
