import { setTimeout as delay } from 'node:timers/promises';
import {
  DownstreamError,
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  type StorageDescription,
} from 'kahn';
import { Order } from '../support/systems/versions/orders.ts';

/** Options of a process that runs one version of the system of orders and their ledger. */
export interface VersionTask {
  readonly version: 'before' | 'after';
  readonly storage: StorageDescription;
  readonly runner: keyof typeof runners;
}

const runners = { SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner };

// Makes and changes orders until the process is killed.
const { version, storage, runner: runnerName }: VersionTask = JSON.parse(process.argv[2] ?? '');
const { system, Orders } = (await import(
  `../support/systems/versions/${version}.ts`
)) as typeof import('../support/systems/versions/after.ts');
const runner = await runners[runnerName].start(system, { storage, pollIntervalMs: 10 });
process.on('disconnect', () => process.exit()); // the test has ended
process.send?.('started');
for (;;) {
  const orders = [Order.make().pay(), Order.make().pay()];
  if (version === 'after') orders.push(Order.make().pay().cancel());
  await Promise.all(orders.map((order) => runner.get(Orders).save(order).catch(assertWaiting)));
  await delay(1);
}

/** A save rejects if its ledger waits for another version, but is recorded. */
function assertWaiting(error: unknown): void {
  if (!(error instanceof DownstreamError)) throw error;
}
