import { parseArgs } from 'node:util';
import { MultiprocessRunner, MultiThreadedRunner, SingleThreadedRunner } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { outcomes, proposeRivals } from './rivals.ts';
import { five, three } from './systems.ts';

const { values } = parseArgs({
  options: {
    five: { type: 'boolean', default: false },
    keys: { type: 'string', default: '4' },
    threads: { type: 'boolean', default: false },
    processes: { type: 'boolean', default: false },
    database: { type: 'string', default: 'paxos.db' },
  },
});
const { database } = values;
const system = values.five ? five : three;
const keys = Array.from({ length: Number(values.keys) }, (_, i) => `seat ${i + 1}`);
const storage = URL.canParse(database)
  ? postgres({ connectionString: database })
  : sqlite({ file: database });
const workers = values.threads ? MultiThreadedRunner : MultiprocessRunner;
const kind = values.threads || values.processes ? workers : SingleThreadedRunner;

await using runner = await kind.start(system, { storage });
await proposeRivals(runner, system.applications, keys);

let agreed = true;
for (const { key, learned } of await outcomes(runner, system.applications, keys)) {
  const [value] = learned;
  agreed &&= value !== undefined && learned.every((one) => one === value);
  console.log(`${key}: ${learned.join(', ')}`);
}
process.exitCode = agreed ? 0 : 1;
