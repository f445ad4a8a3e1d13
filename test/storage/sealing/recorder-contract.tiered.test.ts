import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { byTier } from '../../support/tier.ts';
import { contractStorages } from '../contract-storages.ts';
import { sealedLayers, sealings } from './layers.ts';

for (const subject of contractStorages) {
  for (const sealed of byTier(['compressed and encrypted'], Object.keys(sealings)))
    recorderContract(
      { describe, it },
      { ...subject, name: `${sealed} ${subject.name}`, layers: sealedLayers(sealed) },
    );
}
