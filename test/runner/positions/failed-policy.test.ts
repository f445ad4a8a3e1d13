import { PolicyError, ProcessApplication } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { storages } from '../../support/storages.ts';
import { Click, type ClickEvent, Clicks } from '../../support/systems/clicks.ts';

class OtherClicks extends Clicks {
  static override readonly applicationName = 'other clicks' as 'clicks';
}

/** Fails on each click that it does not ignore. */
class Failing extends ProcessApplication<never, ClickEvent> {
  static readonly applicationName = 'failing';
  static readonly emits = [] as const;
  override readonly policy = this.when({
    'Click.Made': () => {
      throw new RangeError('no clicks');
    },
  });
}

test.each(storages)(
  'a policy that fails leaves no position behind ignored events unrecorded, in no log: $name',
  async ({ create }) => {
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using others = await OtherClicks.open({ storage });
    await using failing = await Failing.open({ storage });
    for (const { log } of [clicks, others]) failing.follow(log);
    await clicks.save(Click.ignored());
    await failing.run();
    await others.save([Click.ignored(), Click.make('a', 1)]);
    await expect(failing.run({ upstreamName: 'other clicks' })).rejects.toThrow(PolicyError);
    const { recorder } = applicationInternals.storeOf(failing);
    const positions = await recorder.positions();
    expect(positions.map(({ upstreamName, position }) => [upstreamName, position])).toEqual([
      ['clicks', 1],
      ['other clicks', 1],
    ]);
  },
);
