import { hash } from 'node:crypto';
import type { Application } from '../application/application.ts';
import type { StoredNotification } from '../persistence/stored-event.ts';

/** One aggregate and what happened to it, in order. */
interface Story {
  readonly applicationName: string;
  readonly originatorId: string;
  readonly events: StoredNotification[];
}

/** What stands for an id. */
type Labels = ReadonlyMap<string, string>;

/**
 * Tells what happened to every aggregate of some applications, in a form that is equal for two runs exactly if their
 * histories are, but for times and for the ids that were given: sorted texts, one for each aggregate.
 *
 * In place of ids stand labels that follow from what happened to their aggregates and to those they refer to (colour
 * refinement, B. Weisfeiler and A. Leman, 1968).
 *
 * @example expect(await canonicalHistories([orders, payments])).toEqual(await canonicalHistories(others));
 */
export async function canonicalHistories(applications: Iterable<Application>): Promise<readonly string[]> {
  const stories = await readStories(applications);
  let labels: Labels = new Map(stories.map(({ originatorId }) => [originatorId, '']));
  let distinct = 0;
  for (;;) {
    const texts = stories.map((story) => textOf(story, labels));
    const before = distinct;
    distinct = new Set(texts).size;
    if (distinct === before) return texts.sort();
    labels = labelsFrom(stories, texts);
  }
}

async function readStories(applications: Iterable<Application>): Promise<readonly Story[]> {
  const stories: Story[] = [];
  for (const { applicationName, log } of applications) {
    const byId = new Map<string, Story>();
    let page = await log.select(0, 1_000);
    while (page.length > 0) {
      for (const event of page) {
        const { originatorId } = event;
        const story = byId.get(originatorId) ?? { applicationName, originatorId, events: [] };
        byId.set(originatorId, story);
        story.events.push(event);
      }
      page = await log.select(page.at(-1)?.id ?? 0, 1_000);
    }
    stories.push(...byId.values());
  }
  return stories;
}

/** An id that several applications use gets a label from all of them. */
function labelsFrom(stories: readonly Story[], texts: readonly string[]): Labels {
  const byId = Map.groupBy(stories.keys(), (i) => stories[i]?.originatorId ?? '');
  const labelOf = (indices: readonly number[]) =>
    hash(
      'sha256',
      indices
        .map((i) => texts[i])
        .sort()
        .join('\n'),
    );
  return new Map([...byId].map(([id, indices]) => [id, labelOf(indices)]));
}

function textOf({ applicationName, originatorId, events }: Story, labels: Labels): string {
  const told = events.map(({ type, data }) => [type, relabelled(JSON.parse(data), labels)]);
  return JSON.stringify([applicationName, labels.get(originatorId), ...told]);
}

function relabelled(value: unknown, labels: Labels): unknown {
  if (typeof value === 'string') return labels.get(value) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((member) => relabelled(member, labels));
  return Object.entries(value).map(([key, member]) => [labels.get(key) ?? key, relabelled(member, labels)]);
}
