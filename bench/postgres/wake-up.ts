import type { StorageDescription } from 'kahn';
import { openStorage } from '../../src/storage/storage.ts';
import { orderCreated } from '../baseline/events.ts';
import { median, percentile } from '../measure.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { micros } from '../table.ts';

const wakeUps = 500;
const warmUps = 100;

/** Delay until the listener of another storage receives a prompt, in ms. */
interface WakeUp {
  readonly afterCall: number;
  readonly afterRecorded: number;
}

/** Delay between recording an event in one storage and the prompt in another one. */
export const wakeUp: Section = {
  heading: () =>
    `Delay until a follower with its own PostgreSQL storage is prompted, ${wakeUps} single events:`,
  on: (storageKind) =>
    storageKind.name === postgresName ? [{ name: 'wake-up', run: () => describeWakeUps(storageKind) }] : [],
};

function describeWakeUps(storageKind: StorageKind): Promise<string> {
  return storageKind.withFreshStorage(async ({ storage }) => {
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
    const openedStorage = await openStorage(storage);
    opened.defer(() => openedStorage.close());
    return openedStorage;
  };
  const recorder = await (await open()).openRecorder({ applicationName: 'orders', setupTables: true });
  opened.defer(() => recorder.close());
  let onPrompt: (at: number) => void = () => {};
  const listening = await (await open()).listen?.({
    onPrompt: () => onPrompt(performance.now()),
    onGap: () => {},
  });
  if (listening === undefined) throw new Error('This storage does not send prompts.');
  opened.use(listening);
  const measured: WakeUp[] = [];
  for (let i = 0; i < warmUps + wakeUps; i += 1) {
    const woken = new Promise<number>((resolve) => {
      onPrompt = resolve;
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
