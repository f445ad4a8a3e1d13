import { System } from 'kahn';
import { Clicks } from '../../support/systems/clicks.ts';
import { PostgresTallies } from '../../support/systems/tallies/postgres-tallies.ts';
import { SqliteTallies } from '../../support/systems/tallies/sqlite-tallies.ts';
import { take } from '../multi-threaded/file-flags.ts';

/** Moments at which a process is killed, if the flag of that name is raised: in the handler, or so many ms after it. */
export const moments = ['in the handler', '0', '1', '2', '4'] as const;

function dieIfAsked(): void {
  for (const moment of moments) {
    if (!take(moment)) continue;
    const kill = () => process.kill(process.pid, 'SIGKILL');
    if (moment === 'in the handler') kill();
    else setTimeout(kill, Number(moment));
  }
}

class DyingInSqlite extends SqliteTallies {
  override meanwhile = dieIfAsked;
}

class DyingInPostgres extends PostgresTallies {
  override meanwhile = dieIfAsked;
}

export const dyingInSqlite: System<typeof Clicks | typeof SqliteTallies> = System.of(
  [[Clicks, DyingInSqlite]],
  {
    module: import.meta.url,
    name: 'sqlite',
  },
);

export const dyingInPostgres: System<typeof Clicks | typeof PostgresTallies> = System.of(
  [[Clicks, DyingInPostgres]],
  { module: import.meta.url, name: 'postgres' },
);
