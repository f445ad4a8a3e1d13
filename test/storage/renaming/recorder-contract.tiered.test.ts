import { describe, it } from 'vitest';
import { renaming } from '../../../src/storage/renaming/renamed-storage.ts';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { contractStorages } from '../contract-storages.ts';

// The names of the contract, and those that storage sees.
const recorded = new Map([
  ['orders', 'recorded orders'],
  ['up', 'an upstream'],
  ['other', 'another upstream'],
]);

for (const subject of contractStorages)
  recorderContract(
    { describe, it },
    { ...subject, name: `renamed ${subject.name}`, layers: [renaming(recorded)] },
  );
