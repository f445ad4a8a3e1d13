import type { Tracking } from '../recorder.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import type { Batch } from './batch.ts';

/** The NOTIFY channel, and the payload without the head of the log. */
export type PromptValues = readonly [channel: string, prefix: string];

/** Returns the parameters of the statement that records a batch, see `Statements.append`. */
export function appendValues(pipelineId: number, batch: Batch, prompt: PromptValues): readonly unknown[] {
  const { events, firsts, trackings, snapshots, commitId, shape } = batch;
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
    before.map(({ originatorId }) => originatorId),
    before.map(({ originatorVersion }) => originatorVersion - 1),
    ...prompt,
  ];
  if (shape === 'events') return values;
  const moves = [
    trackings.map(({ upstreamName }) => upstreamName),
    trackings.map(({ expected }) => expected),
    trackings.map(({ position }) => position),
  ];
  if (shape === 'next') return [...values, ...moves.flat()];
  const dependencies = events.map((event) => dependenciesText(event.dependencies));
  return [...values, ...moves, ...snapshotColumns(snapshots), dependencies];
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

function eventValues({ originatorId, originatorVersion, type, data, timestamp }: StoredEvent): unknown[] {
  return [originatorId, originatorVersion, type, data, timestamp];
}

function trackingValues({ upstreamName, expected, position }: Tracking): unknown[] {
  return [upstreamName, expected, position];
}
