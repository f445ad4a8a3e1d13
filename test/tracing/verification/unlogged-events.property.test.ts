import fc from 'fast-check';
import { Aggregate, Application, defineEvents, type EventsOf, event, memory } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import type { EventKey, Recorder } from '../../../src/storage/recorder.ts';
import { ProgressReport } from '../../../src/tracing/verification/progress-report.ts';
import { verifyLogs } from '../../../src/tracing/verification/verify-logs.ts';
import { propertyRuns } from '../../support/seed.ts';

const pageEvents = defineEvents({
  'Page.Written': event<null>(),
  'Page.Read': event<null>({ notifiable: false }),
});
type PageEvent = EventsOf<typeof pageEvents>;

class Page extends Aggregate<PageEvent> {
  add(type: PageEvent['type']): void {
    this.trigger(type, null);
  }
}

class Pages extends Application<PageEvent> {
  static readonly applicationName = 'pages';
  static readonly emits = pageEvents;
}

/** Changes of a page, saved together in one of two pipelines: whether each event is in the log. */
const change = fc.record({
  id: fc.constantFrom('a', 'b', 'c'),
  pipelineId: fc.constantFrom(0, 1),
  logged: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
});
const bounds = fc.record({
  pageSize: fc.integer({ min: 1, max: 10 }),
  notifications: fc.constant(1_000),
  length: fc.constant(1e6),
  aggregates: fc.constantFrom(0, 4, 1_000),
});

test('versions outside of the logs are no fault, and a missing one between versions in a log is found', async () => {
  const property = fc.asyncProperty(fc.array(change), bounds, fc.nat(), async (changes, chosen, pick) => {
    const storage = memory();
    await using first = await Pages.open({ storage });
    await using second = await Pages.open({ storage, pipelineId: 1 });
    const events = new Map<string, boolean[]>();
    for (const { id, pipelineId, logged } of changes) {
      const pages = pipelineId === 0 ? first : second;
      const known = await pages.repository.has(Page, id);
      const page = known ? await pages.repository.get(Page, id) : new Page(id);
      for (const isLogged of logged) page.add(isLogged ? 'Page.Written' : 'Page.Read');
      await pages.save(page);
      events.set(id, [...(events.get(id) ?? []), ...logged]);
    }
    const { recorder } = applicationInternals.storeOf(first);
    expect((await verified(recorder)).faults).toEqual([]);
    const between = [...events].flatMap(([originatorId, all]) =>
      all.flatMap((isLogged, i) =>
        !isLogged && all.includes(true, i) ? [{ originatorId, originatorVersion: i + 1 }] : [],
      ),
    );
    const lost = between[pick % between.length];
    if (lost === undefined) return;
    const { faults } = await verified(without(recorder, lost));
    expect(faults).toMatchObject([{ kind: 'version-lost', applicationName: 'pages', ...lost }]);

    function verified(read: Recorder) {
      return verifyLogs(new Map([['pages', read]]), new ProgressReport(undefined, undefined), chosen);
    }
  });
  await fc.assert(property, propertyRuns(100, 2_000));
});

/** Returns a recorder that does not find one event. */
function without(recorder: Recorder, lost: EventKey): Recorder {
  return new Proxy(recorder, {
    get(target, name) {
      if (name === 'locate') {
        return async (keys: readonly EventKey[]) => {
          const places = await recorder.locate(keys);
          return places.map((place, i) => (isSame(keys[i]!, lost) ? undefined : place));
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function isSame(one: EventKey, other: EventKey): boolean {
  return one.originatorId === other.originatorId && one.originatorVersion === other.originatorVersion;
}
