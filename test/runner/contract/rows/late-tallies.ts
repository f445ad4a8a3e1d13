import type { DatabaseSync } from 'node:sqlite';
import { type ErrorRule, HandlerTimeoutError, System } from 'kahn';
import type { PostgresRows } from 'kahn/postgres';
import { Clicks } from '../../../support/systems/clicks.ts';
import {
  executedBy as executedByPostgres,
  PostgresTallies,
} from '../../../support/systems/tallies/postgres-tallies.ts';
import {
  executedBy as executedBySqlite,
  SqliteTallies,
} from '../../../support/systems/tallies/sqlite-tallies.ts';
import { type Execute, mark } from '../../../support/systems/tallies/tally.ts';
import { isRaised, untilLowered } from '../../multi-threaded/file-flags.ts';

/** Flag: the handler of the second click, which has written its row, does not return until it is lowered. */
export const late = 'late';

/** What an application does with a handler that takes too long. */
const rules = {
  stop: [],
  park: [{ error: HandlerTimeoutError, action: 'park' }],
  retry: [{ error: HandlerTimeoutError, retry: { times: 10_000, firstMs: 5, maxMs: 20 } }],
} as const satisfies Record<string, readonly ErrorRule[]>;

export type LateRule = keyof typeof rules;
export const lateRules = Object.keys(rules) as LateRule[];

/** A handler whose time is over writes once more, at last. */
async function beLate(
  { number, key: table }: { number: number; key: string },
  execute: Execute,
  signal: AbortSignal,
): Promise<void> {
  if (number !== 2 || !isRaised(late)) return;
  await untilLowered(late);
  if (signal.aborted) await execute(`insert into ${table} (number, id) values (${1_000 + number}, 'late')`);
}

function onSqlite(rule: LateRule) {
  class LateTallies extends SqliteTallies {
    static readonly handlerTimeoutMs = 2_000;
    static readonly errorRules: readonly ErrorRule[] = rules[rule];
    override readonly policy = this.when({
      'Click.Made': async (event, repository, context) => {
        const execute = executedBySqlite((await context.rows()) as DatabaseSync);
        const tally = await mark(event, repository, execute);
        await beLate(event.data, execute, context.signal);
        return tally;
      },
    });
  }
  return System.of([[Clicks, LateTallies]], { module: import.meta.url, name: `late in sqlite, ${rule}` });
}

function onPostgres(rule: LateRule) {
  class LateTallies extends PostgresTallies {
    static readonly handlerTimeoutMs = 2_000;
    static readonly errorRules: readonly ErrorRule[] = rules[rule];
    override readonly policy = this.when({
      'Click.Made': async (event, repository, context) => {
        const execute = executedByPostgres((await context.rows()) as PostgresRows);
        const tally = await mark(event, repository, execute);
        await beLate(event.data, execute, context.signal);
        return tally;
      },
    });
  }
  return System.of([[Clicks, LateTallies]], { module: import.meta.url, name: `late in postgres, ${rule}` });
}

export const stopInSqlite = onSqlite('stop');
export const parkInSqlite = onSqlite('park');
export const retryInSqlite = onSqlite('retry');
export const stopInPostgres = onPostgres('stop');
export const parkInPostgres = onPostgres('park');
export const retryInPostgres = onPostgres('retry');

/** The systems with a rule on a storage with rows of SQLite, or on PostgreSQL. */
export const lateSystems = {
  sqlite: { stop: stopInSqlite, park: parkInSqlite, retry: retryInSqlite },
  postgres: { stop: stopInPostgres, park: parkInPostgres, retry: retryInPostgres },
} as const;
