import { MultiprocessRunner } from 'kahn';
import { shop } from '../../examples/shop/shop.ts';
import type { Contestant } from './candidate.ts';

/** The shop in processes of this machine, which need no engine. */
export const multiprocess: Contestant = {
  name: 'Multiprocess',
  async run(storage, pipelineIds, work) {
    await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds });
    return await work(runner);
  },
};
