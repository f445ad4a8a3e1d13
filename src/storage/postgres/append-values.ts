import type { Tracking } from '../recorder.ts';
import { causePipelineColumn } from '../sql/cause-columns.ts';
import { correlationBytes } from '../sql/correlation-column.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import type { Batch } from './batch.ts';

/** The NOTIFY channel, and the payload without the head of the log. */
export type PromptValues = readonly [channel: string, prefix: string];

/** Returns the parameters of the statement that records a batch, see `Statements.append`. */
export function appendValues(batch: Batch, prompt: PromptValues): readonly unknown[] {
  const { pipelineId, events, firsts, trackings, commitId, shape } = batch;
  if (shape === 'single') {
    const values = [...events.flatMap(eventValues), ...trackings.flatMap(trackingValues)];
    return [pipelineId, commitId, ...values, ...prompt];
  }
  const before = firsts.filter(({ originatorVersion }) => originatorVersion > 1);
  const values = [
    pipelineId,
    commitId,
    events.map(({ originatorId }) => originatorId),
    events.map(({ originatorVersion }) => originatorVersion),
    events.map(({ type }) => type),
    events.map(({ data }) => data),
    events.map(({ timestamp }) => timestamp),
    optionalColumn(events, ({ correlationId }) => correlationBytes(correlationId)),
    optionalColumn(events, ({ metadata }) => metadata ?? null),
    before.map(({ originatorId }) => originatorId),
    before.map(({ originatorVersion }) => originatorVersion - 1),
    ...prompt,
  ];
  if (shape === 'events') return values;
  if (shape === 'next') return [...values, ...trackings.flatMap(trackingValues), ...nextCauses(events)];
  return [
    ...values,
    trackings.map(({ upstreamName }) => upstreamName),
    trackings.map(({ expected }) => expected),
    trackings.map(({ position }) => position),
    ...anyColumns(batch),
  ];
}

/** Returns the columns of snapshots. */
export function snapshotColumns(snapshots: readonly StoredSnapshot[]): readonly unknown[] {
  return [
    snapshots.map(({ originatorId }) => originatorId),
    snapshots.map(({ originatorVersion }) => originatorVersion),
    snapshots.map(({ schema }) => schema),
    snapshots.map(({ state }) => state),
  ];
}

/** Returns the application of all causes, and their notification ids. */
function nextCauses(events: readonly StoredEvent[]): readonly unknown[] {
  const causeId = ({ cause }: StoredEvent) => cause?.notificationId ?? null;
  return [events[0]?.cause?.applicationName, optionalColumn(events, causeId)];
}

function anyColumns({ pipelineId, events, snapshots }: Batch): readonly unknown[] {
  return [
    optionalColumn(events, ({ cause }) => cause?.applicationName ?? null),
    optionalColumn(events, ({ cause }) => cause?.notificationId ?? null),
    optionalColumn(events, ({ cause }) => causePipelineColumn(cause, pipelineId)),
    optionalColumn(events, ({ dependencies }) => dependenciesText(dependencies)),
    ...snapshotColumns(snapshots),
  ];
}

/** Returns a column with a value or null for each item; null if no item has a value. */
function optionalColumn<T>(items: readonly T[], columnOf: (item: T) => unknown): unknown[] | null {
  const values = items.map(columnOf);
  return values.every((value) => value === null) ? null : values;
}

function eventValues(event: StoredEvent): readonly unknown[] {
  const { originatorId, originatorVersion, type, data, timestamp, correlationId, metadata, cause } = event;
  const provenance = [
    correlationBytes(correlationId),
    metadata,
    cause?.applicationName,
    cause?.notificationId,
  ];
  return [originatorId, originatorVersion, type, data, timestamp, ...provenance];
}

function trackingValues({ upstreamName, expected, position }: Tracking): readonly unknown[] {
  return [upstreamName, expected, position];
}
