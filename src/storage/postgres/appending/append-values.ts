import type { ParkedChange } from '../../parked.ts';
import type { StoredCommand, StoredOperation, Tracking } from '../../recorder.ts';
import { causePipelineColumn } from '../../sql/cause-columns.ts';
import { correlationDigits } from '../../sql/correlation-column.ts';
import { dependenciesText } from '../../sql/dependency-column.ts';
import type { StoredEvent, StoredSnapshot } from '../../stored-event.ts';
import { type Shape, textSeparator } from './append-statements.ts';
import type { Batch } from './batch.ts';

/** The NOTIFY channel, and the payload without the head of the log. */
export type PromptValues = readonly [channel: string, prefix: string];

/** Returns the parameters of the statement that records a batch, see `Statements.append`. */
export function appendValues(batch: Batch, prompt: PromptValues): readonly unknown[] {
  const { pipelineId, events, firsts, trackings, operations, commands, parked, commitId, shape } = batch;
  if (shape === 'single') {
    const values = [...events.flatMap(eventValues), ...trackings.flatMap(trackingValues)];
    return [pipelineId, commitId, ...values, ...prompt];
  }
  const before = firsts.filter(({ originatorVersion }) => originatorVersion > 1);
  const values = [
    pipelineId,
    commitId,
    events.map(({ originatorId }) => originatorId),
    numbers(events, ({ originatorVersion }) => originatorVersion),
    events.map(({ type }) => type),
    texts(events, ({ data }) => data, shape),
    numbers(events, ({ timestamp }) => timestamp),
    ...correlations(events),
    ...metadataOf(events, shape),
    before.map(({ originatorId }) => originatorId),
    numbers(before, ({ originatorVersion }) => originatorVersion - 1),
    ...prompt,
  ];
  if (shape === 'events') return values;
  if (shape === 'next') return [...values, ...trackings.flatMap(trackingValues), ...nextCauses(events)];
  return [
    ...values,
    trackings.map(({ upstreamName }) => upstreamName),
    numbers(trackings, ({ expected }) => expected),
    numbers(trackings, ({ position }) => position),
    trackings.map(({ mark }) => mark),
    numbers(trackings, ({ typesVersion = 0 }) => typesVersion),
    ...anyColumns(batch),
    ...(shape === 'keyed' || shape === 'operated' ? commandColumns(commands) : []),
    ...(shape === 'operated' ? operationColumns(operations) : []),
    ...(shape === 'parked' || shape === 'operated' ? parkedColumns(parked) : []),
  ];
}

/** Returns the columns of snapshots. */
export function snapshotColumns(snapshots: readonly StoredSnapshot[]): readonly unknown[] {
  return [
    snapshots.map(({ originatorId }) => originatorId),
    numbers(snapshots, ({ originatorVersion }) => originatorVersion),
    numbers(snapshots, ({ schema }) => schema),
    textArray(snapshots.map(({ state }) => state)),
  ];
}

function commandColumns(commands: readonly StoredCommand[]): readonly unknown[] {
  return [
    commands.map(({ key }) => key),
    numbers(commands, ({ timestamp }) => timestamp),
    commands.map(({ fingerprint }) => fingerprint),
    textArray(commands.map(({ outcome }) => outcome)),
  ];
}

function operationColumns(operations: readonly StoredOperation[]): readonly unknown[] {
  return [
    numbers(operations, ({ timestamp }) => timestamp),
    operations.map(({ kind }) => kind),
    operations.map(({ by }) => by),
    operations.map(({ reason }) => reason),
    operations.map(({ details }) => details),
  ];
}

/** Returns the columns of changes of parked notifications. A deletion has no content. */
function parkedColumns(changes: readonly ParkedChange[]): readonly unknown[] {
  const contents = changes.map(({ content }) => content);
  return [
    changes.map(({ upstreamName }) => upstreamName),
    numbers(changes, ({ notificationId }) => notificationId),
    numbers(changes, ({ expected }) => expected),
    contents.map((content) => content?.originatorId),
    contents.map((content) => content?.isDue),
    numbers(contents, (content) => content?.attempts ?? null),
    numbers(contents, (content) => content?.since ?? null),
    textArray(contents.map((content) => content?.reason)),
  ];
}

/** Returns the correlation ids as an array, which is null if all are equal, and the correlation id of all. */
function correlations(events: readonly StoredEvent[]): readonly unknown[] {
  const shared = events[0]?.correlationId;
  if (events.every(({ correlationId }) => correlationId === shared)) return [null, correlationOf(shared)];
  const all = events.map(({ correlationId: id }) => (id === undefined ? 'null' : `"\\${correlationOf(id)}"`));
  return [`{${all.join()}}`, null];
}

/** Returns the metadata as a column, which is null if all are equal, and the metadata of all. */
function metadataOf(events: readonly StoredEvent[], shape: Shape): readonly unknown[] {
  const shared = events[0]?.metadata;
  if (events.every(({ metadata }) => metadata === shared)) return [null, shared];
  return [texts(events, ({ metadata }) => metadata, shape), null];
}

/** Returns a column of texts. The statements for most shapes take it as one text, with '' for null. */
function texts<T>(items: readonly T[], columnOf: (item: T) => string | undefined, shape: Shape): unknown {
  const column = items.map(columnOf);
  return shape === 'events' || shape === 'next' ? column.join(textSeparator) : textArray(column);
}

/**
 * Returns texts as an array literal, which JSON writes much faster than the driver quotes an array. Texts with control
 * characters, which JSON writes in its own way, are left to the driver.
 */
function textArray(column: readonly (string | undefined)[]): unknown {
  if (column.some((text) => text !== undefined && hasControlCharacter.test(text))) return column;
  return `{${column.map((text) => (text === undefined ? 'null' : JSON.stringify(text))).join()}}`;
}

const hasControlCharacter = /\p{Cc}/u;

/** Returns the application of all causes, and their notification ids. */
function nextCauses(events: readonly StoredEvent[]): readonly unknown[] {
  const [first] = events;
  if (first?.cause === undefined) return [null, null];
  return [first.cause.applicationName, numbers(events, ({ cause }) => cause?.notificationId ?? null)];
}

function anyColumns({ pipelineId, events, snapshots }: Batch): readonly unknown[] {
  return [
    events.map(({ cause }) => cause?.applicationName),
    numbers(events, ({ cause }) => cause?.notificationId ?? null),
    numbers(events, ({ cause }) => causePipelineColumn(cause, pipelineId)),
    events.map(({ dependencies }) => dependenciesText(dependencies)),
    ...snapshotColumns(snapshots),
    ...placesOf(events),
  ];
}

/** Returns the places of the events, counted from 1, or from -1 for events without a place in the log; and their number. */
function placesOf(events: readonly StoredEvent[]): readonly unknown[] {
  let [listed, unlisted] = [0, 0];
  const places = numbers(events, ({ notifiable }) => {
    if (notifiable === false) unlisted -= 1;
    else listed += 1;
    return notifiable === false ? unlisted : listed;
  });
  return [places, listed];
}

/** Returns a column of numbers as an array literal, which is faster than an array: the driver quotes each number. */
function numbers<T>(items: readonly T[], columnOf: (item: T) => number | null): string {
  return `{${items.map((item) => columnOf(item) ?? 'null').join()}}`;
}

/** Returns a correlation id as the text of a `bytea`. */
function correlationOf(correlationId: string | undefined): string | null {
  return correlationId === undefined ? null : `\\x${correlationDigits(correlationId)}`;
}

function eventValues(event: StoredEvent): readonly unknown[] {
  const { originatorId, originatorVersion, type, data, timestamp, correlationId, metadata, cause } = event;
  const common = [originatorId, originatorVersion, type, data, timestamp, correlationOf(correlationId)];
  return [...common, metadata, cause?.applicationName, cause?.notificationId];
}

function trackingValues(tracking: Tracking): readonly unknown[] {
  const { upstreamName, expected, position, mark, typesVersion = 0 } = tracking;
  return [upstreamName, expected, position, mark, typesVersion];
}
