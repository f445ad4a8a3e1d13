import { randomUUID } from 'node:crypto';
import type { StoredEvent } from 'kahn';
import type { ProcessEvent, Recorder } from '../src/storage/recorder.ts';
import { openStorage } from '../src/storage/storage.ts';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import type { FreshStorage, StorageKind } from './storages.ts';
import { Table, verdictOf, whole } from './table.ts';

const targetPercent = 95;
const targetBytes = 40;
const warmUpRounds = 3;
const upstreamName = 'reservations';

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'recorded', width: -38 },
  { title: 'events/s', width: 10 },
  { title: 'without', width: 10 },
  { title: 'of without', width: 12 },
  { title: '(rounds)', width: 12 },
  { title: '  verdict', width: -18 },
  { title: 'longer row', width: 12 },
  { title: '  verdict', width: -18 },
]);

/** Batches of events that a recorder gets. */
interface Load {
  readonly name: string;
  readonly batchSize: number;
  /** Whether policies make the events, so that they have causes and move a position. */
  readonly byPolicies: boolean;
  /** Approximate time per event relative to the other loads. */
  readonly slowness: number;
}

const loads: readonly Load[] = [
  { name: '1,000 commands per transaction', batchSize: 1_000, byPolicies: false, slowness: 1 },
  { name: 'batches of 100 process events', batchSize: 100, byPolicies: true, slowness: 1 },
  { name: 'single process events', batchSize: 1, byPolicies: true, slowness: 10 },
];

/** Events with causes and correlation ids compared with the same events without. */
export const provenance: Section = {
  heading: ({ rounds }) =>
    `Events with causes and correlation ids, by the recorder alone, medians of ${rounds} rounds, in turn; ` +
    `targets: ${targetPercent} %, ${targetBytes} bytes.\n\n${table.header}`,
  on: (storageKind) =>
    loads.map((load) => ({
      name: `causes, ${load.name}`,
      run: (options) => compareOn(storageKind, load, options),
    })),
};

interface Outcome {
  readonly ms: number;
  readonly bytes: number;
}

async function compareOn(storageKind: StorageKind, load: Load, { rounds }: Options): Promise<string> {
  const count = Math.ceil(storageKind.events / load.slowness / load.batchSize) * load.batchSize;
  const measure = (isFull: boolean) =>
    storageKind.withFreshStorage((fresh) => recordIn(fresh, load, eventsOf(load, count, isFull)));
  const full: Outcome[] = [];
  const bare: Outcome[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round += 1) {
    const [ofFull, ofBare] = [await measure(true), await measure(false)];
    if (round <= warmUpRounds) continue;
    full.push(ofFull);
    bare.push(ofBare);
  }
  const percents = full.map(({ ms }, i) => ((bare[i]?.ms ?? Number.NaN) / ms) * 100);
  const speed = (outcomes: readonly Outcome[]) =>
    whole((count / median(outcomes.map(({ ms }) => ms))) * 1_000);
  const longer = ((full[0]?.bytes ?? 0) - (bare[0]?.bytes ?? 0)) / count;
  return table.line([
    storageKind.name,
    load.name,
    speed(full),
    speed(bare),
    `${median(percents).toFixed(1)} %`,
    `${Math.min(...percents).toFixed(0)} - ${Math.max(...percents).toFixed(0)}`,
    `  ${verdictOf(median(percents), targetPercent, 1)}`,
    ...(longer > 0 ? [longer.toFixed(1), `  ${longer <= targetBytes ? 'met' : 'missed'}`] : []),
  ]);
}

/** Records the events in batches. */
async function recordIn(fresh: FreshStorage, load: Load, events: readonly StoredEvent[]): Promise<Outcome> {
  await using opened = new AsyncDisposableStack();
  const storage = await openStorage(fresh.storage);
  opened.defer(() => storage.close());
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  const { ms } = await timed(() => record(recorder, load, events));
  await recorder.close();
  return { ms, bytes: (await fresh.eventBytes?.()) ?? 0 };
}

async function record(recorder: Recorder, load: Load, events: readonly StoredEvent[]): Promise<void> {
  for (let start = 0; start < events.length; start += load.batchSize) {
    const batch = events.slice(start, start + load.batchSize).map((event, i): ProcessEvent => {
      const expected = start + i;
      const tracking = { upstreamName, expected, position: expected + 1 };
      return { events: [event], snapshots: [], ...(load.byPolicies && { tracking }) };
    });
    await recorder.record(0, batch);
  }
}

function eventsOf({ byPolicies }: Load, count: number, isFull: boolean): readonly StoredEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const [originatorId, reservationId, correlationId] = [randomUUID(), randomUUID(), randomUUID()];
    const data = JSON.stringify({ reservationId });
    const event = { originatorId, originatorVersion: 1, type: 'Order.Reserved', data, timestamp: Date.now() };
    if (!isFull) return event;
    const cause = { applicationName: upstreamName, pipelineId: 0, notificationId: i + 1 };
    return byPolicies ? { ...event, cause, correlationId } : { ...event, correlationId };
  });
}
