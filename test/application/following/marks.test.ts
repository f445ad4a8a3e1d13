import { LogMismatchError, PolicyError } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { isSameNotification, markOf } from '../../../src/application/log/mark.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { cutOff } from '../../support/restored-logs.ts';
import { storages } from '../../support/storages.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

const notification = {
  id: 7,
  originatorId: 'a',
  originatorVersion: 2,
  type: 'Order.Paid',
  timestamp: 1_700_000_000_000,
  data: '{"paymentId":"b"}',
};

test('a mark names its notification and does not change between releases', () => {
  expect(markOf(notification)).toBe('7:e2b517ab773a1f06');
});

test.each([
  { id: 8 },
  { originatorId: 'b' },
  { originatorVersion: 3 },
  { type: 'Order.Reserved' },
  { timestamp: 1 },
  { data: '{}' },
  { originatorId: 'aOrder', type: '.Paid' },
])('a mark differs with %o', (other) => {
  const changed = { ...notification, ...other };
  expect(markOf(changed)).not.toBe(markOf(notification));
  expect(isSameNotification(changed, notification)).toBe(false);
});

test.each(storages)(
  'a position without its own mark is accepted, and gets one, on $name',
  async ({ create }) => {
    const storage = create();
    const clicks = await Clicks.open({ storage });
    onTestFinished(() => clicks.close());
    const open = async () => {
      const counters = await Counters.open({ storage });
      onTestFinished(() => counters.close());
      counters.follow(clicks.log);
      return counters;
    };
    const first = await open();
    const { recorder } = applicationInternals.storeOf(first);
    const move = async (position: number, mark?: string) => {
      const { position: expected, typesVersion } = await recorder.position(0, 'clicks');
      const tracking = { upstreamName: 'clicks', expected, position, mark, typesVersion };
      await recorder.record(0, [{ events: [], snapshots: [], tracking }]);
    };
    await clicks.save(Click.make('a', 1), Click.make('a', 2), Click.make('a', 3), Click.make('a', 4));
    await first.run({ upTo: 1 });
    const { mark } = await recorder.position(0, 'clicks');
    await move(2, mark); // as the release before does, which leaves the mark
    await (await open()).run({ upTo: 3 });
    expect((await recorder.position(0, 'clicks')).mark).toMatch(/^3:/);
    await move(3); // as a position of the release before
    await (await open()).run({ upTo: 3 });
    await move(3, '3:0123456789abcdef');
    const error = await rejectionOf((await open()).run(), LogMismatchError);
    expect(error).toMatchObject({
      applicationName: 'counters',
      upstreamName: 'clicks',
      pipelineId: 0,
      position: 3,
      message: expect.stringContaining('notification 3 of the log is not the one that it has processed'),
    });
    expect([...(await first.counted()).values()]).toEqual([[1, 3]]);
  },
);

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'run() reads the log, which may have been restored after its newest events were recorded, on $name',
  async ({ create }) => {
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using counters = await Counters.open({ storage });
    counters.follow(clicks.log);
    for (const number of [1, 2, 3]) {
      await clicks.save(Click.make('a', number));
      await processApplicationInternals.run(counters, {}); // as runners do
    }
    await clicks.save(Click.make('a', 4));
    await cutOff(storage, 'clicks', 3);
    expect(await counters.run()).toBe(0);
    expect([...(await counters.counted()).values()]).toEqual([[1, 2, 3]]);
  },
);

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'after a failure, the log is read again: it may have been restored meanwhile, on $name',
  async ({ create }) => {
    const storage = create();
    await using counters = await Counters.open({ storage });
    {
      await using clicks = await Clicks.open({ storage });
      await clicks.save(Click.make('a', 1), Click.make('a', 2), Click.make('a', 3));
    }
    await using clicks = await Clicks.open({ storage });
    counters.follow(clicks.log);
    counters.meanwhile = (number) => {
      if (number === 2) throw new RangeError('cannot count 2');
    };
    await rejectionOf(counters.run(), PolicyError);
    await cutOff(storage, 'clicks', 1);
    await clicks.save(Click.make('a', 4));
    counters.meanwhile = () => {};
    await counters.run();
    expect([...(await counters.counted()).values()]).toEqual([[1, 4]]);
  },
);
