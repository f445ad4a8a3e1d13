import { hash } from 'node:crypto';
import type { Application } from '../application/application.ts';
import type { StoredNotification } from '../storage/stored-event.ts';

/**
 * The histories of all aggregates in some applications, as sorted texts that are equal for two runs of the
 * same commands, whichever runner and storage had them: times are left out, and ids that are made anew in
 * every run (UUIDs of versions 4 and 7, such as those of `newId` and `deriveId`) give way to labels that
 * follow from the events alone. Names given as ids stay. Pass all applications that refer to each other's
 * aggregates; none may be recording.
 *
 * An aggregate's label follows from its events, from those of the aggregates it refers to and is referred
 * to by, and so on. Aggregates that cannot be told apart in this way have the same label.
 *
 * @example expect(await canonicalHistories([orders, payments])).toEqual(expected);
 */
export async function canonicalHistories(applications: Iterable<Application>): Promise<readonly string[]> {
  const histories = new Map<string, History>();
  for (const application of applications) {
    for await (const event of storedEvents(application)) {
      const key = JSON.stringify([application.applicationName, event.originatorId]);
      const history = histories.get(key) ?? newHistory(application.applicationName, event.originatorId);
      histories.set(key, history);
      history.events.push(`${event.type} ${event.data}`);
    }
  }
  const all = [...histories.values()];
  const labels = refined(all);
  return all.map((history) => textOf(history, labels)).sort();
}

/** What happened to one aggregate of one application. */
interface History {
  readonly applicationName: string;
  readonly id: string;
  readonly events: string[];
}

/** Labels by the ids that they stand for. */
type Labels = ReadonlyMap<string, string>;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const wholeUuid = new RegExp(`^${uuid.source}$`);
const pageSize = 1_000;

function newHistory(applicationName: string, id: string): History {
  return { applicationName, id, events: [] };
}

async function* storedEvents({ log }: Application): AsyncGenerator<StoredNotification> {
  let position = 0;
  for (;;) {
    const page = await log.select(position, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    position = last.id;
  }
}

/** Labels that differ wherever the histories do; each round looks one reference further. */
function refined(histories: readonly History[]): Labels {
  let labels: Labels = new Map(histories.filter(({ id }) => wholeUuid.test(id)).map(({ id }) => [id, 'id']));
  for (let distinct = 0; ; ) {
    const next = nextLabels(histories, labels);
    const nextDistinct = new Set(next.values()).size;
    labels = next;
    // No new difference was found, so none ever will be.
    if (nextDistinct === distinct) return labels;
    distinct = nextDistinct;
  }
}

function nextLabels(histories: readonly History[], labels: Labels): Labels {
  const signs = new Map([...labels].map(([id, label]): [string, string[]] => [id, [label]]));
  for (const history of histories) {
    const text = textOf(history, labels);
    signs.get(history.id)?.push(text);
    // The aggregates referred to learn by whom, and in which place.
    for (const [place, [id]] of [...history.events.join().matchAll(uuid)].entries()) {
      signs.get(id)?.push(`${place} in ${hash('sha256', text)}`);
    }
  }
  return new Map(
    [...signs].map(([id, all]) => [id, `id-${hash('sha256', JSON.stringify(all.sort())).slice(0, 16)}`]),
  );
}

function textOf({ applicationName, id, events }: History, labels: Labels): string {
  const lines = events.map((event) =>
    event.replaceAll(uuid, (found) => (found === id ? 'itself' : (labels.get(found) ?? found))),
  );
  return [`${applicationName} ${labels.get(id) ?? id}`, ...lines].join('\n  ');
}
