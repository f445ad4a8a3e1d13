import { memory } from 'kahn';
import { describe, it } from 'vitest';
import type { StorageDescription } from '../../../src/storage/storage.ts';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { testedSqliteRows } from '../tested-rows.ts';
import { spreadMemory } from './spread-memory.ts';

const subjects: Record<string, () => StorageDescription> = {
  memory,
  'memory in two replicas': () => spreadMemory('another store of this thread'),
  'memory in two threads': () => spreadMemory('another thread'),
};

for (const [name, make] of Object.entries(subjects)) {
  recorderContract(
    { describe, it },
    {
      name,
      lacks: name === 'memory' ? [] : ['rows'],
      create: async () => ({ storage: make(), rows: testedSqliteRows, cleanUp: async () => {} }),
    },
  );
}
