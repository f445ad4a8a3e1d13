import {
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  SingleThreadedRunner,
  type StorageDescription,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { Copies, copyIdOf, Index, Scan, Scans, Stamp, scanning } from './scans.ts';

const [, , runnerName, storageName, place = '', count = '', length = ''] = process.argv;

const runners = { single: SingleThreadedRunner, threads: MultiThreadedRunner, processes: MultiprocessRunner };
const storages: Readonly<Record<string, () => StorageDescription>> = {
  memory: () => memory(),
  sqlite: () => sqlite({ directory: place, synchronous: 'NORMAL' }),
  postgres: () => postgres({ connectionString: place, schema: 'scans' }),
};

const storage = storages[storageName as string]!();
const scans: Scan[] = [];
// Opened without followers, so that all notifications wait when the runner starts.
await using alone = await Scans.open({ storage });
for (let i = 0; i < Number(count); i += 1) {
  const scan = Scan.make(Number(length));
  scans.push(new Scan(scan.id)); // without its pixels
  await alone.save(scan);
}
await using runner = await runners[runnerName as keyof typeof runners].start(scanning, { storage });
await runner.caughtUp();
const stamps = scans.map(({ id }) => Stamp.make(copyIdOf(id)));
await runner.get(Scans).save(...stamps);
await runner.caughtUp();
const heads = await Promise.all([Scans, Index, Copies].map((kind) => runner.get(kind).log.head()));
process.send?.(heads);
