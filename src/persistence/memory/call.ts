import { type PlaceRow, placesOf, rowsOfPlaces } from '../dependencies.ts';
import type { ProcessEvent, Tracking } from '../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';

/** One call of `record()`: what a journal keeps. */
export interface Call {
  readonly pipelineId: number;
  readonly processEvents: readonly ProcessEvent[];
}

type EventRow = [
  originatorId: string,
  originatorVersion: number,
  type: string,
  data: string,
  timestamp: number,
  dependencies?: readonly PlaceRow[],
];
type SnapshotRow = [originatorId: string, originatorVersion: number, schema: number, state: string];
type TrackingRow = [upstreamName: string, expected: number, position: number];
type ProcessEventRow = [events: EventRow[], snapshots: SnapshotRow[], tracking?: TrackingRow];

/** The call as JSON without the names of its fields, which would take longer than all the rest. */
export function textOf({ pipelineId, processEvents }: Call): string {
  return JSON.stringify([pipelineId, processEvents.map(rowOf)]);
}

/** The call that {@link textOf} made the text of. */
export function callOf(text: string): Call {
  const [pipelineId, rows] = JSON.parse(text) as [number, ProcessEventRow[]];
  return { pipelineId, processEvents: rows.map(processEventOf) };
}

function rowOf({ events, snapshots, tracking }: ProcessEvent): ProcessEventRow {
  const eventRows = events.map(eventRowOf);
  const snapshotRows = snapshots.map(
    (one): SnapshotRow => [one.originatorId, one.originatorVersion, one.schema, one.state],
  );
  if (tracking === undefined) return [eventRows, snapshotRows];
  return [eventRows, snapshotRows, [tracking.upstreamName, tracking.expected, tracking.position]];
}

function eventRowOf(event: StoredEvent): EventRow {
  const { originatorId, originatorVersion, type, data, timestamp, dependencies } = event;
  if (dependencies === undefined) return [originatorId, originatorVersion, type, data, timestamp];
  return [originatorId, originatorVersion, type, data, timestamp, rowsOfPlaces(dependencies)];
}

function processEventOf([events, snapshots, tracking]: ProcessEventRow): ProcessEvent {
  const read = { events: events.map(eventOf), snapshots: snapshots.map(snapshotOf) };
  return tracking === undefined ? read : { ...read, tracking: trackingOf(tracking) };
}

function eventOf(row: EventRow): StoredEvent {
  const [originatorId, originatorVersion, type, data, timestamp, dependencies] = row;
  const event = { originatorId, originatorVersion, type, data, timestamp };
  return dependencies === undefined ? event : { ...event, dependencies: placesOf(dependencies) };
}

function snapshotOf([originatorId, originatorVersion, schema, state]: SnapshotRow): StoredSnapshot {
  return { originatorId, originatorVersion, schema, state };
}

function trackingOf([upstreamName, expected, position]: TrackingRow): Tracking {
  return { upstreamName, expected, position };
}
