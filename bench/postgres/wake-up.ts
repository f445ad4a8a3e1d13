import type { StorageDescription } from 'kahn';
import { openStorage } from '../../src/storage/storage.ts';
import { orderCreated } from '../baseline-events.ts';
import { median, percentile } from '../measure.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { micros } from '../table.ts';

const wakeUps = 500;
const warmUps = 100;

/** How long it takes, in milliseconds, until another storage's listener hears of an event. */
interface WakeUp {
  readonly afterCall: number;
  readonly afterRecorded: number;
}

/** How long it takes from an event being recorded in one storage to its being heard of in another one. */
export const wakeUp: Section = {
  heading: () => `PostgreSQL wake-up of a follower in another storage, ${wakeUps} single events:`,
  on: (storageKind) =>
    storageKind.name === postgresName ? [{ name: 'wake-up', run: () => describeWakeUps(storageKind) }] : [],
};

function describeWakeUps(storageKind: StorageKind): Promise<string> {
  return storageKind.inNewPlace(async ({ storage }) => {
    const measured = await measure(storage);
    const afterCall = measured.map((one) => one.afterCall);
    const afterRecorded = measured.map((one) => one.afterRecorded);
    return [
      `  after record() was called:  median ${micros(median(afterCall))}, p99 ${micros(percentile(afterCall, 99))}`,
      `  after record() resolved:    median ${micros(median(afterRecorded))}, p99 ${micros(percentile(afterRecorded, 99))}`,
    ].join('\n');
  });
}

async function measure(storage: StorageDescription): Promise<readonly WakeUp[]> {
  await using opened = new AsyncDisposableStack();
  const open = async () => {
    const storageKind = await openStorage(storage);
    opened.defer(() => storageKind.close());
    return storageKind;
  };
  const recorder = await (await open()).openRecorder({ applicationName: 'orders', setupTables: true });
  opened.defer(() => recorder.close());
  let heard: (at: number) => void = () => {};
  const listening = await (await open()).listen?.({
    heard: () => heard(performance.now()),
    missed: () => {},
  });
  if (listening === undefined) throw new Error('This storage does not listen.');
  opened.use(listening);
  const measured: WakeUp[] = [];
  for (let i = 0; i < warmUps + wakeUps; i += 1) {
    const woken = new Promise<number>((resolve) => {
      heard = resolve;
    });
    const events = [orderCreated(`customer ${i}`)];
    const called = performance.now();
    await recorder.record(0, [{ events, snapshots: [] }]);
    const recorded = performance.now();
    const at = await woken;
    if (i >= warmUps) measured.push({ afterCall: at - called, afterRecorded: at - recorded });
  }
  return measured;
}
