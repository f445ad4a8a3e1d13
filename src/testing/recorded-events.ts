import { Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import { whenSealed } from '../application/personal/seal-personal.ts';
import { eventsIn } from '../domain/events/split-event.ts';
import { unloggedTypes } from '../domain/events/unlogged-types.ts';
import type { EventMapper } from '../storage/codec/event-mapper.ts';
import type { Recorder } from '../storage/recorder.ts';
import type { StoredEvent, StoredNotification } from '../storage/stored-event.ts';
import { kindOf } from '../util/errors.ts';
import { InvalidArgumentError } from '../util/options.ts';

/** An event and the log that it is in. Its id is 0 if it is in no log. */
export interface LocatedEvent extends StoredNotification {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Type and data of each event that is read in place of the recorded one. */
  readonly texts: readonly string[];
}

const pageSize = 1_000;

/** Reads the events of some applications, in the order of each log; events outside of the logs in the order of versions. */
export async function recordedEvents(applications: Iterable<Application>): Promise<readonly LocatedEvent[]> {
  const events: LocatedEvent[] = [];
  /** Applications with events outside of their logs, one object for each. */
  const withOthers = new Map<string, Application>();
  for (const application of applications) {
    if (!(application instanceof Application)) {
      throw new InvalidArgumentError(
        `canonicalHistories() takes open applications, not ${kindOf(application)}.`,
      );
    }
    const { applicationName } = application;
    for await (const event of loggedEvents(application)) events.push(await located(application, event));
    const { emits } = application.constructor as unknown as ApplicationClass;
    if (unloggedTypes(emits) !== undefined) withOthers.set(applicationName, application);
  }
  if (withOthers.size === 0) return events;
  for (const application of withOthers.values()) events.push(...(await unloggedEvents(application, events)));
  return events.sort((a, b) => a.originatorVersion - b.originatorVersion);
}

async function* loggedEvents({ log }: Application): AsyncGenerator<StoredNotification> {
  let position = 0;
  for (;;) {
    const page = await log.select(position, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    position = last.id;
  }
}

async function located(application: Application, event: StoredNotification): Promise<LocatedEvent> {
  const { applicationName, pipelineId } = application;
  const { mapper } = applicationInternals.storeOf(application);
  return { ...event, applicationName, pipelineId, texts: await textsOf(event, mapper) };
}

async function textsOf(stored: StoredEvent, mapper: EventMapper): Promise<readonly string[]> {
  const type = mapper.typeOf(stored.type);
  if (type !== undefined && mapper.storedTypeOf(type) === stored.type) return [`${type} ${stored.data}`];
  const events = eventsIn(mapper.toEvent(stored));
  return await whenSealed(mapper, () =>
    events.map((event) => `${event.type} ${mapper.toStored(event, {}).data}`),
  );
}

/** Reads the events that are in the histories of aggregates, but not among those of the logs. */
async function unloggedEvents(
  application: Application,
  logged: readonly LocatedEvent[],
): Promise<readonly LocatedEvent[]> {
  const { applicationName } = application;
  const { recorder } = applicationInternals.storeOf(application);
  const versions = new Map<string, Set<number>>();
  for (const { applicationName: name, originatorId, originatorVersion } of logged) {
    if (name !== applicationName) continue;
    const known = versions.get(originatorId) ?? new Set();
    versions.set(originatorId, known.add(originatorVersion));
  }
  const events: LocatedEvent[] = [];
  for (const [originatorId, known] of versions) {
    for (const { cause: _cause, ...event } of await historyOf(originatorId, recorder)) {
      // Some storages leave the cause out of histories.
      if (!known.has(event.originatorVersion)) events.push(await located(application, { ...event, id: 0 }));
    }
  }
  return events;
}

async function historyOf(originatorId: string, recorder: Recorder): Promise<readonly StoredEvent[]> {
  const [history] = await recorder.histories([{ originatorId, after: 0, useSnapshot: false }]);
  return history?.events ?? [];
}
