import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Aggregate,
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  ProcessApplication,
  run,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  System,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';

class Order extends Aggregate {
  apply(event) {
    if (event.type === 'Order.Reserved') this.reservation = event.data.reservation;
  }
}

class Reservation extends Aggregate {}

class Orders extends ProcessApplication {
  static applicationName = 'orders';
  static emits = ['Order.Placed', 'Order.Reserved'];
  policy = this.when({
    'Reservation.Made': async ({ originatorId, data }, repository) => {
      (await repository.get(Order, data.orderId)).trigger('Order.Reserved', { reservation: originatorId });
    },
  });
}

class Reservations extends ProcessApplication {
  static applicationName = 'reservations';
  static emits = ['Reservation.Made'];
  policy = this.when({
    'Order.Placed': ({ originatorId: orderId }, repository) =>
      Reservation.create('Reservation.Made', { orderId }, repository.deriveId()),
  });
}

const shop = System.of([[Orders, Reservations, Orders]], { module: 'file:///shop.js', name: 'shop' });

/** Returns whether an order is reserved. */
async function reserve(runner, processed) {
  const orders = runner.get(Orders);
  const order = Order.create('Order.Placed');
  await orders.save(order);
  await processed();
  return (await orders.repository.get(Order, order.id)).reservation !== undefined;
}

async function main([directory, connectionString, schema]) {
  const storages = {
    memory: memory(),
    sqlite: sqlite({ file: join(directory, 'shop.db') }),
    postgres: postgres({ connectionString, schema }),
  };
  const reserved = {};
  for (const [name, storage] of Object.entries(storages)) {
    await using runner = await run(shop, { storage });
    reserved[name] = await reserve(runner, () => {});
  }
  {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    reserved.stepping = await reserve(runner, () => runner.stepUntil(({ number }) => number === 3));
  }
  const refusals = [];
  const unused = join(directory, 'unused');
  mkdirSync(unused);
  for (const Runner of [MultiThreadedRunner, MultiprocessRunner, SteppingMultiThreadedRunner]) {
    await Runner.start(shop, { storage: sqlite({ directory: unused }) }).catch(({ code, message }) =>
      refusals.push({ code, message }),
    );
  }
  console.log(JSON.stringify({ reserved, refusals }));
}

void main(process.argv.slice(2));
