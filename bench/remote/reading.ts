import assert from 'node:assert/strict';
import type { StoredNotification } from 'kahn';
import { RemoteLog } from '../../src/storage/remote/remote-log.ts';
import { median, timed } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import type { FreshStorage, StorageKind } from '../storages.ts';
import { micros, Table, whole } from '../table.ts';
import { Sale, Sales, salesWith, serveSales, systemName } from './served-sales.ts';

const salesAtOnce = 1_000;
/** Number of notifications that are read at a time, as by followers. */
const pageSize = 500;
const sectionSizes = [20, 100, 500];
const warmUpRounds = 2;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'section size', width: 12 },
  { title: 'events/s', width: 11 },
  { title: 'over HTTP', width: 11 },
  { title: 'ratio', width: 7 },
  { title: '(rounds)', width: 13 },
  { title: 'a section', width: 11 },
]);

/** Reads up to a number of notifications above an id. */
type ReadPage = (after: number, limit: number) => Promise<readonly StoredNotification[]>;

/** The log of another system, read over HTTP and directly from its storage. */
export const remoteReading: Section = {
  heading: ({ rounds }) =>
    `A log read in pages of ${pageSize} over HTTP on the loopback interface, server and reader in one process, compared with\n` +
    `reading it from the storage; medians of ${rounds} rounds, in turn.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'remote, reading', run: (options) => measure(storageKind, options) }],
};

function measure(storageKind: StorageKind, options: Options): Promise<string> {
  return storageKind.withFreshStorage(async (fresh) => {
    const events = options.orders ?? 10_000;
    await record(fresh, events);
    const lines: string[] = [];
    for (const size of sectionSizes) {
      const { direct, remote } = await compare(fresh, size, events, options.rounds);
      const percents = direct.map((ms, round) => (ms / (remote[round] ?? Number.NaN)) * 100);
      const speed = (ms: readonly number[]) => whole((events / median(ms)) * 1_000);
      lines.push(
        table.line([
          storageKind.name,
          whole(size),
          speed(direct),
          speed(remote),
          `${median(percents).toFixed(1)} %`,
          `${Math.min(...percents).toFixed(1)} - ${Math.max(...percents).toFixed(1)}`,
          micros(median(remote) / Math.ceil(events / size)),
        ]),
      );
    }
    return lines.join('\n');
  });
}

async function record({ storage }: FreshStorage, events: number): Promise<void> {
  await using sales = await Sales.open({ storage });
  for (let made = 0; made < events; made += salesAtOnce) {
    const count = Math.min(salesAtOnce, events - made);
    await sales.save(Array.from({ length: count }, (_, i) => Sale.make(`customer ${made + i}`)));
  }
}

/** Reads the log in turn directly and over HTTP; returns the times of the rounds in ms. */
async function compare(
  { storage }: FreshStorage,
  sectionSize: number,
  events: number,
  rounds: number,
): Promise<{ readonly direct: readonly number[]; readonly remote: readonly number[] }> {
  const sales = salesWith(sectionSize);
  await using served = await serveSales(storage, sales);
  const { log } = served.runner.get(sales);
  const source = {
    log: { applicationName: Sales.applicationName, system: systemName },
    url: served.url,
    headers: () => ({}),
    timeoutMs: 30_000,
    maxBytes: 64_000_000,
  };
  const remoteLog = new RemoteLog('sales@seller', source, { system: undefined, current: new Map() });
  const direct: number[] = [];
  const remote: number[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round += 1) {
    const directMs = await readAll(events, (after, limit) => log.select(after, limit));
    const remoteMs = await readAll(events, (after, limit) => remoteLog.notifications(0, after, limit));
    if (round <= warmUpRounds) continue;
    direct.push(directMs);
    remote.push(remoteMs);
  }
  return { direct, remote };
}

async function readAll(events: number, read: ReadPage): Promise<number> {
  let last = 0;
  const { ms } = await timed(async () => {
    for (let page = await read(0, pageSize); page.length > 0; page = await read(last, pageSize))
      last = page.at(-1)?.id ?? last;
  });
  assert.equal(last, events);
  return ms;
}
