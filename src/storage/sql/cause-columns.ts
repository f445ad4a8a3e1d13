import type { Cause } from '../../domain/provenance.ts';
import { DamagedColumn } from './damage.ts';

/** Returns the column `cause_pipeline_id`: null if the cause is in the event's own pipeline, as nearly always. */
export function causePipelineColumn(cause: Cause | undefined, pipelineId: number): number | null {
  return cause === undefined || cause.pipelineId === pipelineId ? null : cause.pipelineId;
}

/**
 * Returns the cause in the columns `cause_name`, `cause_pipeline_id` and `cause_id` of an event.
 *
 * @param ownPipelineId Pipeline of the event.
 * @throws {@link DamagedColumn} if the columns contradict each other.
 */
export function causeOf(
  name: unknown,
  pipelineId: unknown,
  id: unknown,
  ownPipelineId: number,
): Cause | undefined {
  if (name === null && pipelineId === null && id === null) return undefined;
  if (typeof name !== 'string') throw new DamagedColumn('cause_name', name);
  if (!isInteger(id, 1)) throw new DamagedColumn('cause_id', id);
  if (pipelineId === null) return { applicationName: name, pipelineId: ownPipelineId, notificationId: id };
  if (!isInteger(pipelineId, 0)) throw new DamagedColumn('cause_pipeline_id', pipelineId);
  return { applicationName: name, pipelineId, notificationId: id };
}

function isInteger(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
