import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { MultiprocessRunner, type StorageDescription } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { untilLowered } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';

/** Options of a host that runs the shop. */
export interface HostTask {
  readonly storage: StorageDescription;
  readonly pipelineIds: readonly number[];
  readonly pollIntervalMs?: number;
  readonly drainTimeoutMs?: number;
  readonly batchSize?: number;
  /** Whether flags block the policies. */
  readonly isHeld?: boolean;
  /** Whether the program of the host listens for SIGTERM itself. */
  readonly listens?: boolean;
  /** Whether a library ends the host on SIGTERM if it is the only listener. */
  readonly exitsIfAlone?: boolean;
  /** Whether the host receives SIGTERM as soon as it starts a process. */
  readonly endsAtStart?: boolean;
}

/** Messages to a host, which answers each with its kind when it is done. */
export type HostMessage =
  | { readonly kind: 'place'; readonly customers: readonly string[]; readonly pipelineId: number }
  /** Places orders until the host ends. */
  | { readonly kind: 'load' }
  | { readonly kind: 'caughtUp' }
  | { readonly kind: 'close' }
  /** Sends SIGTERM from inside, as another process may not be permitted to. */
  | { readonly kind: 'terminate' }
  | { readonly kind: 'exit' };

// Runs the shop in its own process, controlled by messages.
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
process.on('message', async (message: HostMessage) => {
  await handle(message);
  process.send?.(message.kind);
});
process.on('disconnect', () => process.exit()); // the test has ended
if (listens) {
  process.once('SIGTERM', async () => {
    process.send?.('received SIGTERM');
    await untilLowered('wait');
    const order = await runner.get(Orders).place('one more');
    await runner.close();
    process.send?.(order, () => process.exit(7));
  });
}
if (exitsIfAlone) process.on('SIGTERM', exitIfAlone);
process.send?.(pids);

async function handle(message: HostMessage): Promise<void> {
  if (message.kind === 'place') {
    const orders = runner.get(Orders, message.pipelineId);
    await Promise.all(message.customers.map((customer) => orders.place(customer)));
  }
  if (message.kind === 'caughtUp') await runner.caughtUp();
  if (message.kind === 'close') await runner.close();
  if (message.kind === 'exit') process.exit(5);
  if (message.kind === 'terminate') process.kill(process.pid, 'SIGTERM');
  if (message.kind === 'load') void load();
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
