import { memory } from 'kahn';
import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract.ts';

recorderContract(
  { describe, it },
  {
    name: 'memory',
    create: async () => ({ persistence: memory(), cleanUp: async () => {} }),
  },
);
