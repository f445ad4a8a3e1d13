import { MultiprocessRunner } from 'kahn';
import { shop } from '../../examples/shop/shop.ts';
import type { DistributedCandidate } from './candidate.ts';

/** The shop in processes of this machine, without an engine. */
export const multiprocess: DistributedCandidate = {
  name: 'Multiprocess',
  async run(storage, pipelineIds, work) {
    await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds });
    return await work(runner);
  },
};
