import type { Cause } from '../../../domain/provenance.ts';
import type { ParkedChange } from '../../parked.ts';
import type { ProcessEvent, StoredCommand, StoredOperation, Tracking } from '../../recorder.ts';
import { type PlaceRow, placesOf, rowsOfPlaces } from '../../sql/dependency-column.ts';
import type { StoredEvent, StoredSnapshot } from '../../stored-event.ts';
import type { Expiry } from '../commands.ts';
import type { ParkedContents } from '../parked-notifications.ts';
import type { Move, TypesChange } from '../positions.ts';
import type { Entry } from './journal.ts';

/** Arguments of one call of `record()`, `recordHandledTypes()` or `deleteCommands()`, as a journal keeps them. */
export interface RecordCall {
  readonly pipelineId: number;
  readonly processEvents: readonly ProcessEvent[];
  readonly types?: TypesChange;
  readonly expiry?: Expiry;
  /** Parked notifications that were recorded before the memory was shared. */
  readonly restored?: ParkedContents;
}

/** A call as it is decoded: its process events are without the changes of parked notifications. */
export interface DecodedCall extends RecordCall {
  readonly parked: readonly ParkedChange[];
}

/** Effect of a call on the log, the positions and the parked notifications of its pipeline. */
export interface EntryHead {
  readonly pipelineId: number;
  /** Number of notifications recorded. */
  readonly count: number;
  readonly moves: readonly Move[];
  readonly parked: readonly ParkedChange[];
  readonly types?: TypesChange;
  readonly expiry?: Expiry;
  readonly restored?: ParkedContents;
}

type EventRow = [
  originatorId: string,
  originatorVersion: number,
  type: string,
  data: string,
  timestamp: number,
  more: MoreRow,
];
/** The optional fields of an event; null for a missing one. */
type MoreRow = [
  dependencies: readonly PlaceRow[] | null,
  cause: CauseRow | null,
  correlationId: string | null,
  metadata: string | null,
  isUnlisted?: true,
];
type CauseRow = [applicationName: string, pipelineId: number, notificationId: number];
type SnapshotRow = [originatorId: string, originatorVersion: number, schema: number, state: string];
type TrackingRow = [
  upstreamName: string,
  expected: number,
  position: number,
  mark: string | null,
  typesVersion: number,
];
type ProcessEventRow = [
  events: EventRow[],
  snapshots: SnapshotRow[],
  tracking?: TrackingRow | null,
  operation?: StoredOperation | null,
  command?: StoredCommand,
];

type MoveRow = [upstreamName: string, position: number, mark: string | null];
type HeadRow = [
  pipelineId: number,
  count: number,
  moves: readonly MoveRow[],
  types?: TypesChange | null,
  expiry?: Expiry | null,
  parked?: readonly ParkedChange[],
  restored?: ParkedContents,
];

/** Encodes a call as JSON arrays: field names would take longer to write and parse than the values. */
export function entryOf({ pipelineId, processEvents, types, expiry, restored }: RecordCall): Entry {
  let count = 0;
  const changes: ParkedChange[] = [];
  const moves = new Map<string, MoveRow>();
  for (const { events, tracking, parked } of processEvents) {
    for (const { notifiable } of events) if (notifiable !== false) count += 1;
    if (parked !== undefined) changes.push(...parked);
    if (tracking === undefined) continue;
    const { upstreamName, position, mark = null } = tracking;
    moves.set(upstreamName, [upstreamName, position, mark]);
  }
  const head: HeadRow = [pipelineId, count, [...moves.values()]];
  if (changes.length > 0 || restored !== undefined) head.push(null, null, changes, restored);
  else if (expiry !== undefined) head.push(null, expiry);
  else if (types !== undefined) head.push(types);
  return { head: JSON.stringify(head), body: JSON.stringify(processEvents.map(rowOf)) };
}

/** Decodes the head that {@link entryOf} encoded. */
export function headOf(head: string): EntryHead {
  const [pipelineId, count, rows, types, expiry, parked = [], restored] = JSON.parse(head) as HeadRow;
  const moves = rows.map(([upstreamName, position, mark]) => ({
    upstreamName,
    position,
    mark: mark ?? undefined,
  }));
  return {
    pipelineId,
    count,
    moves,
    parked,
    ...(types && { types }),
    ...(expiry && { expiry }),
    ...(restored && { restored }),
  };
}

/** Decodes the body that {@link entryOf} encoded. */
export function processEventsOf(body: string): readonly ProcessEvent[] {
  return (JSON.parse(body) as ProcessEventRow[]).map(processEventOf);
}

function rowOf({ events, snapshots, tracking, operation, command }: ProcessEvent): ProcessEventRow {
  const eventRows = events.map(eventRowOf);
  const snapshotRows = snapshots.map(
    (one): SnapshotRow => [one.originatorId, one.originatorVersion, one.schema, one.state],
  );
  const trackingRow = tracking === undefined ? null : trackingRowOf(tracking);
  if (command !== undefined) return [eventRows, snapshotRows, trackingRow, operation ?? null, command];
  if (operation !== undefined) return [eventRows, snapshotRows, trackingRow, operation];
  return trackingRow === null ? [eventRows, snapshotRows] : [eventRows, snapshotRows, trackingRow];
}

function trackingRowOf(tracking: Tracking): TrackingRow {
  const { upstreamName, expected, position, mark = null, typesVersion = 0 } = tracking;
  return [upstreamName, expected, position, mark, typesVersion];
}

function eventRowOf(event: StoredEvent): EventRow {
  const { originatorId, originatorVersion, type, data, timestamp } = event;
  return [originatorId, originatorVersion, type, data, timestamp, moreOf(event)];
}

function moreOf({ dependencies, cause, correlationId, metadata, notifiable }: StoredEvent): MoreRow {
  const more: MoreRow = [
    dependencies === undefined ? null : rowsOfPlaces(dependencies),
    cause === undefined ? null : [cause.applicationName, cause.pipelineId, cause.notificationId],
    correlationId ?? null,
    metadata ?? null,
  ];
  if (notifiable === false) more.push(true);
  return more;
}

function processEventOf([events, snapshots, tracking, operation, command]: ProcessEventRow): ProcessEvent {
  return {
    events: events.map(eventOf),
    snapshots: snapshots.map(snapshotOf),
    ...(tracking && { tracking: trackingOf(tracking) }),
    ...(operation && { operation }),
    ...(command && { command }),
  };
}

function eventOf(row: EventRow): StoredEvent {
  const [originatorId, originatorVersion, type, data, timestamp, more] = row;
  const [dependencies, cause, correlationId, metadata, isUnlisted] = more;
  return {
    originatorId,
    originatorVersion,
    type,
    data,
    timestamp,
    ...(dependencies !== null && { dependencies: placesOf(dependencies) }),
    ...(cause !== null && { cause: causeOf(cause) }),
    ...(correlationId !== null && { correlationId }),
    ...(metadata !== null && { metadata }),
    ...(isUnlisted && { notifiable: false }),
  };
}

function causeOf([applicationName, pipelineId, notificationId]: CauseRow): Cause {
  return { applicationName, pipelineId, notificationId };
}

function snapshotOf([originatorId, originatorVersion, schema, state]: SnapshotRow): StoredSnapshot {
  return { originatorId, originatorVersion, schema, state };
}

function trackingOf([upstreamName, expected, position, mark, typesVersion]: TrackingRow): Tracking {
  return { upstreamName, expected, position, mark: mark ?? undefined, typesVersion };
}
