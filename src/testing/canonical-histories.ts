import type { Application } from '../application/application.ts';
import type { Cause } from '../domain/provenance.ts';
import { hash } from '../util/environment/hash.ts';
import { flag } from '../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../util/options.ts';
import { type LocatedEvent, recordedEvents } from './recorded-events.ts';

/** Options of {@link canonicalHistories}. */
export interface CanonicalHistoriesOptions {
  /**
   * Whether each event is followed by its cause: the application, aggregate and version of the causing event. Pass the
   * applications of all causes and pipelines.
   *
   * @default false
   */
  readonly causes?: boolean;
}

export const canonicalHistoriesOptions: OptionRules<CanonicalHistoriesOptions, 'causes'> = {
  causes: flag(false),
};

/**
 * Returns the histories of all aggregates in some applications, as sorted texts that are equal for two runs of the same
 * commands on any runner and storage. Events of earlier versions and former types are shown as they are read. Times are
 * omitted. Ids that differ in every run (UUIDs of versions 4 and 7, as made by `newId` and `deriveId`) are replaced by labels
 * derived from the events. Names used as ids are kept, also those that `nameId` makes of a random id. Pass all applications
 * that refer to each other's aggregates, when none of them is recording.
 *
 * The label of an aggregate is derived from its events, then from the labels of the aggregates that it refers to
 * and that refer to it. Aggregates that cannot be distinguished in this way have the same label.
 *
 * @throws {@link InvalidArgumentError} if `applications` holds something else.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @example expect(await canonicalHistories([orders, payments])).toEqual(expected);
 */
export async function canonicalHistories(
  applications: Iterable<Application>,
  options: CanonicalHistoriesOptions = {},
): Promise<readonly string[]> {
  const { causes } = resolveOptions(options, canonicalHistoriesOptions, 'canonicalHistories()');
  return textsOf(await historiesOf(applications, causes));
}

/** Reads the histories of all aggregates in some applications. */
export async function historiesOf(
  applications: Iterable<Application>,
  causes: boolean,
): Promise<readonly History[]> {
  const events = await recordedEvents(applications);
  const places = new Map(causes ? events.map((event) => [placeOf(event), event]) : []);
  const histories = new Map<string, History>();
  for (const event of events) {
    const { applicationName, originatorId, cause } = event;
    const key = JSON.stringify([applicationName, originatorId]);
    const history = histories.get(key) ?? newHistory(applicationName, originatorId);
    histories.set(key, history);
    const by = causes && cause ? causeText(cause, places) : '';
    for (const text of event.texts) history.events.push(`${withoutContents(text)}${by}`);
  }
  return [...histories.values()];
}

/**
 * Returns histories as sorted texts, with ids replaced by labels: random ids of aggregates, and further ones.
 *
 * @param further Other UUIDs that differ in every run. @default none
 */
export function textsOf(
  histories: readonly History[],
  further: ReadonlySet<string> = new Set(),
): readonly string[] {
  const random = histories.map(({ id }) => id).filter((id) => randomUuid.test(id));
  const labels = refined(histories, new Set([...random, ...further]));
  return histories.map((history) => textOf(history, labels)).sort();
}

/** Returns all UUIDs in histories. */
export function uuidsIn(histories: readonly History[]): ReadonlySet<string> {
  return new Set(histories.flatMap(({ id, events }) => [id, ...events].join(' ').match(uuid) ?? []));
}

/** Events of one aggregate of one application, as texts. */
export interface History {
  readonly applicationName: string;
  readonly id: string;
  readonly events: string[];
}

/** Labels by id. */
type Labels = ReadonlyMap<string, string>;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const wholeUuid = new RegExp(`^${uuid.source}$`);
const randomUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Sealed content of personal data, behind its subject. */
const sealedContent = /("\$kahn":"personal","value":\["(?:[^"\\]|\\.)*"),"[^"]*"/g;

/** Leaves out the contents of personal data, which are encrypted with other keys in every run. */
function withoutContents(data: string): string {
  return data.replaceAll(sealedContent, '$1');
}

function newHistory(applicationName: string, id: string): History {
  return { applicationName, id, events: [] };
}

/** Identifies a notification, or the notification that a cause names. */
function placeOf({ applicationName, pipelineId, ...notification }: LocatedEvent | Cause): string {
  const id = 'id' in notification ? notification.id : notification.notificationId;
  return JSON.stringify([applicationName, pipelineId, id]);
}

/** The cause of an event without its notification id, which depends on the order of unrelated events. */
function causeText(cause: Cause, places: ReadonlyMap<string, LocatedEvent>): string {
  const found = places.get(placeOf(cause));
  const event = found === undefined ? 'elsewhere' : `${found.originatorId} v${found.originatorVersion}`;
  return ` <- ${cause.applicationName} ${event}`;
}

/** Returns labels that differ wherever the histories do. Each round follows references one step further. */
function refined(histories: readonly History[], ids: ReadonlySet<string>): Labels {
  let labels: Labels = new Map([...ids].map((id) => [id, 'id']));
  for (let distinct = 0; ; ) {
    const next = nextLabels(histories, labels);
    const nextDistinct = new Set(next.values()).size;
    labels = next;
    // A round without a new difference is the last round: further rounds would find none either.
    if (nextDistinct === distinct) return labels;
    distinct = nextDistinct;
  }
}

function nextLabels(histories: readonly History[], labels: Labels): Labels {
  const signs = new Map([...labels].map(([id, label]): [string, string[]] => [id, [label]]));
  for (const history of histories) {
    const text = textOf(history, labels);
    signs.get(history.id)?.push(text);
    // An aggregate that is referred to is also described by its place in the referring history.
    const mentioned = uuidsOf(history).filter((id) => labels.has(id));
    for (const [place, id] of mentioned.entries()) signs.get(id)?.push(`${place} in ${hash('sha256', text)}`);
  }
  return new Map(
    [...signs].map(([id, all]) => [id, `id-${hash('sha256', JSON.stringify(all.sort())).slice(0, 16)}`]),
  );
}

/** UUIDs in the events of an aggregate, and in its id if that is more than a UUID. */
function uuidsOf({ id, events }: History): readonly string[] {
  const texts = wholeUuid.test(id) ? events : [id, ...events];
  return texts.join().match(uuid) ?? [];
}

function textOf({ applicationName, id, events }: History, labels: Labels): string {
  const labelled = (text: string) => text.replaceAll(uuid, (found) => labels.get(found) ?? found);
  const lines = events.map((event) => labelled(labels.has(id) ? event.replaceAll(id, 'itself') : event));
  return [`${applicationName} ${labelled(id)}`, ...lines].join('\n  ');
}
