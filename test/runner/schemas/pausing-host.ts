import type { StorageDescription, System, SystemRunner } from 'kahn';
import { postgresSlow, sqliteSlow } from '../../support/projections/listed-orders.ts';
import { runners } from './runners.ts';

// A program that pauses a projection while its schema is being built, and then runs until it is killed.
const [storage, runnerName, systemName] = process.argv.slice(2) as [
  string,
  keyof typeof runners,
  'sqliteSlow' | 'postgresSlow',
];
const system: System = { sqliteSlow, postgresSlow }[systemName];
const options = { storage: JSON.parse(storage) as StorageDescription, batchSize: 1, pollIntervalMs: 20 };
const runner: SystemRunner = await runners[runnerName].start(system, options);
process.on('disconnect', () => process.exit());
const position = async () => (await runner.status())[1]?.upstreams[0]?.position ?? 0;
while ((await position()) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
await runner.pause(system.applications[1]!, { by: 'ada', reason: 'the disk is slow' });
process.send?.('paused');
