import { MultiprocessRunner, MultiThreadedRunner, SingleThreadedRunner, type StorageDescription } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { until } from '../../support/until.ts';

/** What a host does. */
export interface HostTask {
  readonly kind: 'single' | 'threads' | 'processes';
  readonly storage: StorageDescription;
  /** Whether the host is killed as soon as its orders are done. Otherwise it runs on. */
  readonly isKilled: boolean;
}

/** Number of orders that a host places. */
export const placed = 3;

if (process.send !== undefined && process.argv[2] !== undefined) {
  const { kind, storage, isKilled }: HostTask = JSON.parse(process.argv[2]);
  const kinds = { single: SingleThreadedRunner, threads: MultiThreadedRunner, processes: MultiprocessRunner };
  const runner = await kinds[kind].start(shop, { storage });
  process.on('disconnect', () => process.exit()); // the test has ended
  for (let i = 0; i < placed; i += 1) {
    const id = await runner.get(Orders).place('ada');
    await until('the order is done', async () => (await runner.get(Orders).get(id)).done);
  }
  if (isKilled) process.kill(process.pid, 'SIGKILL');
  process.send('placed');
}
