import { postgres } from 'kahn/postgres';
import { openStorage } from '../../src/persistence/persistence.ts';
import { orderCreated } from '../bound-events.ts';
import { median, percentile } from '../measure.ts';
import { inNewSchema } from './schema.ts';

const wakeUps = 500;
const warmUps = 100;

/** How long it takes, in milliseconds, until another storage's listener hears of an event. */
interface WakeUp {
  readonly afterCall: number;
  readonly afterRecorded: number;
}

/** Says how long it takes from an event being recorded in one storage to its being heard of in another one. */
export function describeWakeUps(connectionString: string): Promise<string> {
  return inNewSchema(connectionString, async (schema) => {
    const measured = await measure(connectionString, schema);
    const afterCall = measured.map((one) => one.afterCall);
    const afterRecorded = measured.map((one) => one.afterRecorded);
    return [
      `PostgreSQL wake-up of a follower in another storage, ${wakeUps} single events:`,
      `  after record() was called:  median ${us(median(afterCall))}, p99 ${us(percentile(afterCall, 99))}`,
      `  after record() resolved:    median ${us(median(afterRecorded))}, p99 ${us(percentile(afterRecorded, 99))}`,
    ].join('\n');
  });
}

async function measure(connectionString: string, schema: string): Promise<readonly WakeUp[]> {
  await using opened = new AsyncDisposableStack();
  const open = async () => {
    const storage = await openStorage(postgres({ connectionString, schema }));
    opened.defer(() => storage.close());
    return storage;
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

function us(ms: number): string {
  return `${Math.round(ms * 1_000).toLocaleString('en')} us`;
}
