import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunnerEvents, SingleThreadedRunner, System } from 'kahn';
import { remote } from 'kahn/http';
import { median, percentile } from '../measure.ts';
import type { Section } from '../section.ts';
import type { StorageKind } from '../storages.ts';
import { micros, Table } from '../table.ts';
import { Billing, Sale, Sales, type ServedSales, serveSales, systemName } from './served-sales.ts';

const events = 300;
const warmUps = 100;
const restMs = 2; // so that both systems wait

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'recorded: median', width: 16 },
  { title: 'p99', width: 11 },
  { title: 'processed: median', width: 19 },
  { title: 'p99', width: 11 },
]);

/** Times since the call of a command, in ms. */
interface Latency {
  /** Time until the event is recorded. */
  readonly recorded: number;
  /** Time until the other system has processed the event, and recorded its own one. */
  readonly processed: number;
}

/** Time until the event of one system is processed in another one. */
export const remoteLatency: Section = {
  heading: () =>
    `${events} single events of a system, each processed by another system that follows over HTTP, both in one process on\n` +
    `storage of their own: times since save().\n\n${table.header}`,
  on: (storageKind) => [{ name: 'remote, latency', run: () => measure(storageKind) }],
};

function measure(storageKind: StorageKind): Promise<string> {
  return storageKind.withFreshStorage((one) =>
    storageKind.withFreshStorage(async (other) => {
      await using served = await serveSales(one.storage);
      const sales = remote(Sales, { system: systemName, url: served.url });
      const office = System.of([[sales, Billing]], { name: 'office' });
      await using _follower = await SingleThreadedRunner.start(office, { storage: other.storage });
      const times: Latency[] = [];
      for (let i = 0; i < warmUps + events; i += 1) {
        const latency = await sell(served);
        if (i >= warmUps) times.push(latency);
      }
      const recorded = times.map((latency) => latency.recorded);
      const processed = times.map((latency) => latency.processed);
      const cells = [recorded, processed].flatMap((all) => [
        micros(median(all)),
        micros(percentile(all, 99)),
      ]);
      return table.line([storageKind.name, ...cells]);
    }),
  );
}

async function sell({ runner }: ServedSales): Promise<Latency> {
  await delay(restMs);
  const billed = Promise.withResolvers<number>();
  const hear = (message: unknown) => {
    const { applicationName } = message as RunnerEvents['processed'];
    if (applicationName === Billing.applicationName) billed.resolve(performance.now());
  };
  subscribe('kahn:processed', hear);
  try {
    const called = performance.now();
    await runner.get(Sales).save(Sale.make('ada'));
    const recorded = performance.now() - called;
    return { recorded, processed: (await billed.promise) - called };
  } finally {
    unsubscribe('kahn:processed', hear);
  }
}
