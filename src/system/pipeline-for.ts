import { hash } from 'node:crypto';
import { assertId, assertPipelineId } from '../util/ids.ts';
import { InvalidOptionError } from '../util/options.ts';

/**
 * The pipeline that an id belongs to: always the same for the same id and pipelines, in whichever order they stand,
 * and about as many ids for each. One more pipeline takes over its share and moves no other id. All who choose must
 * choose among the same pipelines.
 *
 * @throws InvalidOptionError if this is no array of pipelines, or an empty one.
 * @throws InvalidIdError if one of them or the id cannot be stored.
 * @example runner.get(Orders, pipelineFor(customerId, [0, 1, 2])).place(customerId);
 */
export function pipelineFor(id: string, pipelineIds: readonly number[]): number {
  assertId(id, 'The id that a pipeline is chosen for');
  if (!Array.isArray(pipelineIds) || pipelineIds.length === 0) {
    throw new InvalidOptionError('A pipeline is chosen among pipelineIds, an array of at least one.');
  }
  // The highest random weight (rendezvous hashing, Thaler and Ravishankar 1998).
  const weighed = (pipelineIds as readonly number[]).map((pipelineId) => {
    assertPipelineId(pipelineId);
    return { pipelineId, weight: hash('sha256', `${pipelineId}\0${id}`) }; // no id holds a NUL
  });
  return weighed.reduce((one, other) => (other.weight > one.weight ? other : one)).pipelineId;
}
