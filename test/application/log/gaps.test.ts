import { LogGapError, LogMismatchError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';
import { damagedStorages } from '../../tracing/verification/damaged-storages.ts';

const clicks = [1, 2, 3, 4, 5];

describe.each(damagedStorages)('a log on $name', ({ create }) => {
  describe.each([1, 3])('without notification %i', (missing) => {
    const found = clicks.filter((id) => id < missing);

    /** Opens the damaged log. */
    async function open() {
      const { storage, remove } = create();
      const upstream = await Clicks.open({ storage });
      await upstream.save(...clicks.map((number) => Click.make('a', number)));
      await remove({ applicationName: 'clicks', id: missing });
      return { storage, upstream };
    }

    test('is read up to the gap', async () => {
      await using resources = new AsyncDisposableStack();
      const { upstream } = await open();
      resources.use(upstream);
      const ids: number[] = [];
      const reading = async () => {
        for await (const { id } of upstream.reader()) ids.push(id);
      };
      const gap = {
        code: 'LOG_GAP',
        applicationName: 'clicks',
        pipelineId: 0,
        notificationId: missing,
        message: expect.stringContaining(
          `notification ${missing} is missing. Check the system with verify()`,
        ),
      };
      expect(await rejectionOf(reading(), LogGapError)).toMatchObject(gap);
      expect(ids).toEqual(found);
      expect(await rejectionOf(upstream.reader().read(), LogGapError)).toMatchObject(gap);
      expect((await upstream.reader().read(missing - 1)).map(({ id }) => id)).toEqual(found);
      expect(await rejectionOf(upstream.log.section('1,20'), LogGapError)).toMatchObject(gap);
    });

    test.each([1, 500])('stops its follower before the gap, with batches of %i', async (batchSize) => {
      await using resources = new AsyncDisposableStack();
      const { storage, upstream } = await open();
      resources.use(upstream);
      const counters = resources.use(await Counters.open({ storage }));
      counters.follow(upstream.log, batchSize);
      for (const _ of [1, 2]) await rejectionOf(counters.run(), LogMismatchError);
      const counted = (await counters.counted()).get('a') ?? [];
      expect(counted).toEqual(found.slice(0, counted.length));
      expect(counted.length).toBeGreaterThanOrEqual(batchSize === 1 ? found.length : 0);
    });
  });
});
