import { InvalidApplicationError, InvalidSystemError, memory, System } from 'kahn';
import { openStorage } from 'kahn/storage';
import { expect, onTestFinished, test } from 'vitest';
import { type ApplicationClass, applicationInternals } from '../../../src/application/application.ts';
import { lastBefore } from '../../../src/application/log/place-in-log.ts';
import { recordBeginning } from '../../../src/application/replaying/beginning.ts';
import { storages } from '../../support/storages.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

const time = (text: string) => Date.parse(text);

/** Opens clicks that were made at these times, and the application that counts them. */
async function clicksAt(times: readonly string[], storage = memory()) {
  const clicks = await Clicks.open({ storage });
  onTestFinished(() => clicks.close());
  const { recorder } = applicationInternals.storeOf(clicks);
  const events = times.map((one, i) => ({
    originatorId: `click ${i}`,
    originatorVersion: 1,
    type: 'Click.Made',
    timestamp: time(one),
    data: '{"counterId":"a","number":1}',
  }));
  await recorder.record(0, [{ events, snapshots: [] }]);
  return clicks.log;
}

test('a time is the place before the first event of that time or later, even if times descend', async () => {
  const times = ['2026-01-01', '2026-01-05', '2026-01-02', '2026-01-06', '2026-01-03'];
  const log = await clicksAt(times);
  const idBefore = async (place: string | Date) => (await lastBefore(place, log))?.id ?? 0;
  expect(await idBefore('2025-12-31')).toBe(0);
  expect(await idBefore('2026-01-01')).toBe(0);
  expect(await idBefore('2026-01-02')).toBe(1);
  expect(await idBefore(new Date('2026-01-05T00:00:01Z'))).toBe(3);
  expect(await idBefore('2026-01-07T00:00+01:00')).toBe(5);
  expect(await idBefore('2026-01-06T01:00+02:00')).toBe(3);
  expect(await idBefore('start')).toBe(0);
  expect(await idBefore('end')).toBe(5);
});

test('a time in a log of several pages is found', async () => {
  const times = Array.from({ length: 2_500 }, (_, i) => new Date(i * 1_000).toISOString());
  const log = await clicksAt(times);
  for (const id of [999, 1_000, 1_001, 2_000, 2_499])
    expect((await lastBefore(new Date(id * 1_000), log))?.id).toBe(id);
});

test.each(storages)(
  'hosts that start at the same time agree on one beginning, on $name',
  async ({ create }) => {
    const storage = create();
    const clicks = await Clicks.open({ storage });
    onTestFinished(() => clicks.close());
    const opened = [];
    for (let i = 0; i < 4; i += 1) {
      const counters = await Counters.open({ storage });
      onTestFinished(() => counters.close());
      opened.push(applicationInternals.storeOf(counters));
    }
    const declaration = { name: 'Counters', begins: 'end' };
    await Promise.all([
      ...opened.map((store) => recordBeginning(declaration, store, clicks.log)),
      clicks.save(Click.make('a', 1), Click.make('a', 2)),
    ]);
    const [{ recorder }] = opened as [(typeof opened)[number]];
    const [operation, ...others] = await recorder.operations(0, 10);
    expect(others).toEqual([]);
    const { to } = JSON.parse(operation?.details ?? '{}');
    expect(await recorder.position(0, 'clicks')).toMatchObject({ position: to });
  },
);

test('the beginning in the log of a renamed upstream is recorded by its first name', async () => {
  const storage = memory();
  class Presses extends Clicks {
    static override readonly applicationName = 'presses' as never;
    static readonly recordedAs = 'clicks';
  }
  class Tail extends Counters {
    static readonly begins = { presses: 'end' };
  }
  const system = System.of([[Presses, Tail]] as never) as unknown as System;
  const presses = await system.open(Presses as never as ApplicationClass, { storage });
  onTestFinished(() => presses.close());
  const tail = await system.open(Tail as never as ApplicationClass, { storage });
  onTestFinished(() => tail.close());
  const store = applicationInternals.storeOf(tail);
  await recordBeginning(Tail, store, presses.log);
  await recordBeginning(Tail, store, presses.log);
  const opened = await openStorage(storage);
  onTestFinished(() => opened.close());
  const recorder = await opened.openRecorder({ applicationName: 'counters', setupTables: false });
  const operations = await recorder.operations(0, 10);
  expect(operations.map(({ details }) => JSON.parse(details))).toEqual([
    { pipelineId: 0, upstreamName: 'clicks', to: 0, begins: 'end' },
  ]);
});

test.each([
  [
    'now',
    "to be 'start', 'end', a Date, or a time as ISO text such as '2026-11-01' or '2026-11-01T08:30:00Z', got 'now'.",
  ],
  ['2026-11-01T08:30', "got '2026-11-01T08:30'"],
  ['2026-13-01', "got '2026-13-01'"],
  [new Date(Number.NaN), 'got an invalid Date.'],
  [5, 'got 5.'],
  [{ clicks: 'now' }, "of class Tail for 'clicks' to be 'start'"],
  [['end'], "got [ 'end' ]"],
])('rejects an invalid beginning: %o', (begins, message) => {
  class Tail extends Counters {
    static readonly begins = begins;
  }
  const define = () => System.of([[Clicks, Tail]] as never);
  expect(define).toThrow(InvalidApplicationError);
  expect(define).toThrow(message);
});

test('rejects the name of an application that the class does not follow', () => {
  class Tail extends Counters {
    static readonly begins = { click: 'end' };
  }
  const define = () => System.of([[Clicks, Tail]] as never);
  expect(define).toThrow(InvalidSystemError);
  expect(define).toThrow(
    "'static readonly begins' of class Tail names 'click', which application 'counters' does not follow. Did you mean " +
      "'clicks'? Its upstreams are: clicks.",
  );
});
