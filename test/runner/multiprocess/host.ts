import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { MultiprocessRunner, type StorageDescription } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { untilLowered } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';

/** How a host runs the shop. */
export interface HostTask {
  readonly storage: StorageDescription;
  readonly pipelineIds: readonly number[];
  readonly pollIntervalMs?: number;
  readonly drainTimeoutMs?: number;
  readonly batchSize?: number;
  /** Whether signs hold it up. */
  readonly isHeld?: boolean;
  /** Whether the program of the host listens for SIGTERM itself. */
  readonly listens?: boolean;
  /** Whether a library in it ends it by SIGTERM as soon as nobody else listens for that. */
  readonly exitsIfAlone?: boolean;
  /** Whether it is told to end as soon as it starts a process. */
  readonly endsAtStart?: boolean;
}

/** What a host is told; each is answered by itself once it is done. */
export type HostOrder =
  | { readonly kind: 'place'; readonly customers: readonly string[]; readonly pipelineId: number }
  /** Places orders until it is ended. */
  | { readonly kind: 'load' }
  | { readonly kind: 'caughtUp' }
  | { readonly kind: 'close' }
  /** Ends it as `docker stop` does, from inside: another one may not have the right. */
  | { readonly kind: 'terminate' }
  | { readonly kind: 'exit' };

// Runs the shop in a process of its own, which does what it is told by messages.
const { isHeld, listens, exitsIfAlone, endsAtStart, ...options }: HostTask = JSON.parse(
  process.argv[2] ?? '',
);
const pids: (number | undefined)[] = [];
subscribe('child_process', (message) => {
  const child = (message as { readonly process: ChildProcess }).process;
  child.once('spawn', () => pids.push(child.pid));
  if (endsAtStart) process.kill(process.pid, 'SIGTERM');
});
const runner = await MultiprocessRunner.start(isHeld ? (heldShop as typeof shop) : shop, options);
process.on('message', async (order: HostOrder) => {
  await obey(order);
  process.send?.(order.kind);
});
process.on('disconnect', () => process.exit()); // the test has ended
if (listens) {
  process.once('SIGTERM', async () => {
    process.send?.('told to end');
    await untilLowered('wait');
    const order = await runner.get(Orders).place('one more');
    await runner.close();
    process.send?.(order, () => process.exit(7));
  });
}
if (exitsIfAlone) process.on('SIGTERM', exitIfAlone);
process.send?.(pids);

async function obey(order: HostOrder): Promise<void> {
  if (order.kind === 'place') {
    const orders = runner.get(Orders, order.pipelineId);
    await Promise.all(order.customers.map((customer) => orders.place(customer)));
  }
  if (order.kind === 'caughtUp') await runner.caughtUp();
  if (order.kind === 'close') await runner.close();
  if (order.kind === 'exit') process.exit(5);
  if (order.kind === 'terminate') process.kill(process.pid, 'SIGTERM');
  if (order.kind === 'load') void load();
}

async function load(): Promise<void> {
  for (let burst = 0; ; burst += 1) {
    const pipelineId = options.pipelineIds[burst % options.pipelineIds.length] ?? 0;
    const orders = runner.get(Orders, pipelineId);
    await Promise.all(Array.from({ length: 20 }, (_, i) => orders.place(`customer ${burst} ${i}`)));
  }
}

function exitIfAlone(): void {
  if (process.listenerCount('SIGTERM') > 1) return;
  process.off('SIGTERM', exitIfAlone);
  process.kill(process.pid, 'SIGTERM');
}
