import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { startContract, type VersionsSubject, versionsContract } from '../versions-contract.ts';

for (const { name, start, create } of supervisedSubjects) {
  const subject: VersionsSubject = {
    name,
    start: (system, options) => start(system, options),
    createStorage: create,
  };
  versionsContract(subject);
  startContract(subject);
}
