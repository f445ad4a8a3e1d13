import { mayBeOutOfOrder } from '../../application/log/effect-order.ts';
import { LateEffects } from '../../application/parking/late-effects.ts';
import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import { ReadableOperations } from './operations/readable-operations.ts';
import { type ParkedPlace, readParkedPlaces } from './parked-places.ts';

/** Heads of the logs of a system, by application and pipeline. */
export type Heads = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** How far logs and positions reached when a verification began. */
export interface Extents {
  /** Heads up to which the logs are read. */
  readonly heads: Heads;
  /**
   * Parked notifications that were read after these heads, so no event up to the heads is an effect of a retry that came
   * later, and before the positions, which are therefore at or behind them.
   */
  readonly parked: ReadonlyMap<string, readonly ParkedPlace[]>;
  /** Positions that were read after these heads, so all causes of events up to the heads are at or behind them. */
  readonly positions: ReadonlyMap<string, readonly RecordedPosition[]>;
  /** Heads that were read after the positions, so all positions are at or behind them. */
  readonly laterHeads: Heads;
  /** Pipelines of applications in whose logs effects need not be in the order of their causes. */
  readonly unordered: ReadonlyMap<string, ReadonlySet<number>>;
  /** What the applications have processed late; read after the heads, so it covers all events up to them. */
  readonly late: ReadonlyMap<string, LateEffects>;
  /** Pipelines in which any application has a log or a position. */
  readonly pipelineIds: readonly number[];
}

/**
 * Reads how far the logs and positions of a running system reach. The order makes the checks sound: logs and positions
 * only grow, and an event is recorded after its cause and together with a position at or beyond the cause.
 */
export async function readExtents(recorders: ReadonlyMap<string, Recorder>): Promise<Extents> {
  const heads = await readHeads(recorders);
  const parked = await readAll(recorders, readParkedPlaces);
  const positions = await readAll(recorders, (recorder) => recorder.positions());
  const laterHeads = await readHeads(recorders);
  const late = await readAll(recorders, async (recorder) => {
    const effects = new LateEffects(new ReadableOperations(recorder));
    await effects.load();
    return effects;
  });
  const pipelineIds = new Set([0]);
  for (const logs of laterHeads.values()) for (const pipelineId of logs.keys()) pipelineIds.add(pipelineId);
  for (const recorded of positions.values())
    for (const { pipelineId } of recorded) pipelineIds.add(pipelineId);
  const sorted = [...pipelineIds].sort((a, b) => a - b);
  const unordered = await readAll(recorders, (recorder) =>
    unorderedIn(new ReadableOperations(recorder), sorted),
  );
  return { heads, parked, positions, laterHeads, late, unordered, pipelineIds: sorted };
}

/** Returns the head of a log; 0 if the log is empty. */
export function headIn(heads: Heads, applicationName: string, pipelineId: number): number {
  return heads.get(applicationName)?.get(pipelineId) ?? 0;
}

async function unorderedIn(recorder: Recorder, pipelineIds: readonly number[]): Promise<ReadonlySet<number>> {
  const unordered = new Set<number>();
  for (const pipelineId of pipelineIds)
    if (await mayBeOutOfOrder(recorder, pipelineId)) unordered.add(pipelineId);
  return unordered;
}

async function readHeads(recorders: ReadonlyMap<string, Recorder>): Promise<Heads> {
  return readAll(recorders, async (recorder) => {
    const logs = await recorder.logs();
    return new Map(logs.map(({ pipelineId, notificationId }) => [pipelineId, notificationId]));
  });
}

async function readAll<T>(
  recorders: ReadonlyMap<string, Recorder>,
  read: (recorder: Recorder) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const all = [...recorders].map(async ([name, recorder]) => [name, await read(recorder)] as const);
  return new Map(await Promise.all(all));
}
