import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { versionsContract } from '../versions-contract.ts';

for (const { name, start, create } of supervisedSubjects) {
  versionsContract({ name, start: (system, options) => start(system, options), createStorage: create });
}
