import { memory, SteppingMultiThreadedRunner, SteppingSingleThreadedRunner } from 'kahn';
import { startContract, versionsContract } from '../versions-contract.ts';

for (const Runner of [SteppingSingleThreadedRunner, SteppingMultiThreadedRunner]) {
  versionsContract({
    name: Runner.name,
    start: (system, options) => Runner.start(system, { ...options, normalSpeed: 200, pollIntervalMs: 20 }),
    createStorage: () => memory(),
  });
  startContract({
    name: Runner.name,
    start: (system, options) => Runner.start(system, { ...options, paused: true }),
    createStorage: () => memory(),
  });
}
