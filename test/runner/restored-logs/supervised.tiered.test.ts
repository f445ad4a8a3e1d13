import { allSupervisedSubjects } from '../../support/supervised-runners.ts';
import { byTier } from '../../support/tier.ts';
import { restoredLogsContract } from './contract.ts';

const quick = ['threads on sqlite', 'processes on sqlite'];
for (const { name, start, create } of allSupervisedSubjects.filter(
  (one) => one.name !== 'threads on memory',
)) {
  if (!byTier(quick.includes(name), true)) continue;
  restoredLogsContract({ name, start: (system, options) => start(system, options), createStorage: create });
}
