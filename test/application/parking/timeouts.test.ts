import { HandlerTimeoutError, memory, PolicyError } from 'kahn';
import { expect, test } from 'vitest';
import { Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

async function open(meanwhile: typeof Labels.meanwhile) {
  class Slow extends Labels {
    static override readonly errorRules = [{ error: HandlerTimeoutError, action: 'park' }] as const;
    static readonly handlerTimeoutMs = 20;
    static override meanwhile = meanwhile;
  }
  const storage = memory();
  const opened = new AsyncDisposableStack();
  const parcels = opened.use(await Parcels.open({ storage }));
  const labels = opened.use(await Slow.open({ storage }));
  for (const number of [1, 2, 3]) await parcels.send(`p${number}`, number);
  labels.follow(parcels.log);
  return { labels, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('a handler that never returns is parked after its time, with its signal aborted', async () => {
  const reasons: unknown[] = [];
  await using desk = await open((number, signal) => {
    if (number !== 2) return undefined;
    signal.addEventListener('abort', () => reasons.push(signal.reason), { once: true });
    return new Promise<never>(() => {});
  });
  expect(await desk.labels.run()).toBe(3);
  expect(await desk.labels.printed('p1', 'p2', 'p3')).toEqual([[1], [], [3]]);
  expect(reasons[0]).toBeInstanceOf(HandlerTimeoutError);
  expect(reasons[0]).toMatchObject({ eventType: 'Parcel.Sent', timeoutMs: 20 });
});

test('a handler that continues after its time records nothing', async () => {
  const late = Promise.withResolvers<void>();
  await using desk = await open((number) => (number === 2 ? late.promise : undefined));
  await desk.labels.run();
  late.resolve();
  await new Promise(setImmediate);
  await desk.labels.run();
  expect(await desk.labels.printed('p2')).toEqual([[]]);
});

test('a signal that is aborted ends the handler without parking its notification', async () => {
  const closing = new AbortController();
  class Open extends Labels {
    static override readonly errorRules = [{ action: 'park' }] as const;
    static override meanwhile = (_number: number, signal: AbortSignal): Promise<void> => {
      closing.abort(new Error('closing'));
      return Promise.reject(signal.reason);
    };
  }
  const storage = memory();
  await using parcels = await Parcels.open({ storage });
  await using labels = await Open.open({ storage });
  await parcels.send('p', 1);
  labels.follow(parcels.log);
  await expect(labels.run({ signal: closing.signal })).rejects.toThrow(PolicyError);
  Open.meanwhile = async () => {};
  expect(await labels.run()).toBe(1);
});
