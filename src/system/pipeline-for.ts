import { inspect } from 'node:util';
import { hash } from '../util/environment/hash.ts';
import { assertId, assertPipelineId } from '../util/ids.ts';
import { InvalidOptionError } from '../util/options.ts';

/**
 * Chooses a pipeline for an id: always the same pipeline for the same id and list of pipelines, whatever its order. Ids
 * spread evenly. An additional pipeline takes over its share of the ids and moves no others. Every caller must choose
 * among the same pipelines.
 *
 * @throws {@link InvalidOptionError} if `pipelineIds` is not an array of at least one id.
 * @throws {@link InvalidIdError} if `id` or one of the pipeline ids is invalid.
 * @example
 * const pipelineId = pipelineFor('customer-1', [0, 1, 2]);
 */
export function pipelineFor(id: string, pipelineIds: readonly number[]): number {
  assertId(id, 'the id of pipelineFor()');
  if (!Array.isArray(pipelineIds) || pipelineIds.length === 0) {
    throw new InvalidOptionError(
      `Expected the pipelineIds of pipelineFor() to be an array of at least one id, got ${inspect(pipelineIds)}.`,
    );
  }
  // The highest random weight (rendezvous hashing, Thaler and Ravishankar 1998).
  const weighed = (pipelineIds as readonly number[]).map((pipelineId) => {
    assertPipelineId(pipelineId);
    return { pipelineId, weight: hash('sha256', `${pipelineId}\0${id}`) }; // no id holds a NUL
  });
  return weighed.reduce((one, other) => (other.weight > one.weight ? other : one)).pipelineId;
}
