import { hash } from 'node:crypto';
import { assertId, assertPipelineId } from '../util/ids.ts';
import { InvalidOptionError } from '../util/options.ts';

/**
 * The pipeline that an id belongs to: always the same for the same id and pipelines, in whichever order they stand,
 * and about as many ids for each. One more pipeline takes over its share and moves no other id. All who choose must
 * choose among the same pipelines.
 *
 * @throws InvalidOptionError if there are no pipelines.
 * @throws InvalidIdError if one of them or the id cannot be stored.
 * @example runner.get(Orders, pipelineFor(customerId, [0, 1, 2])).place(customerId);
 */
export function pipelineFor(id: string, pipelineIds: readonly number[]): number {
  assertId(id, 'The id that a pipeline is chosen for');
  // The highest random weight (rendezvous hashing, Thaler and Ravishankar 1998).
  let chosen: { readonly pipelineId: number; readonly weight: string } | undefined;
  for (const pipelineId of pipelineIds) {
    assertPipelineId(pipelineId);
    const weight = hash('sha256', `${pipelineId}\0${id}`); // no id holds a NUL
    if (chosen === undefined || weight > chosen.weight) chosen = { pipelineId, weight };
  }
  if (chosen !== undefined) return chosen.pipelineId;
  throw new InvalidOptionError('A pipeline is chosen among at least one, but pipelineIds is empty.');
}
