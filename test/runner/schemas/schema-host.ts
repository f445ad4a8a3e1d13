import { DatabaseSync } from 'node:sqlite';
import { run, type StorageDescription, type System } from 'kahn';
import pg from 'pg';
import {
  postgresFirst,
  postgresSecond,
  sqliteFirst,
  sqliteSecond,
} from '../../support/projections/listed-orders.ts';

const systems = { postgresFirst, postgresSecond, sqliteFirst, sqliteSecond };

// A program with a projection, which may be killed behind a statement, before it is committed.
const [storage, name, killBehind] = process.argv.slice(2) as [
  string,
  keyof typeof systems,
  string | undefined,
];

function killIf(sql: unknown): void {
  const text = typeof sql === 'string' ? sql : (sql as { text?: string } | undefined)?.text;
  if (killBehind !== undefined && text?.includes(killBehind)) process.kill(process.pid, 'SIGKILL');
}

if (killBehind !== undefined) {
  const { exec, prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    exec.call(this, sql);
    killIf(sql);
  };
  DatabaseSync.prototype.prepare = function (sql, options) {
    const statement = options === undefined ? prepare.call(this, sql) : prepare.call(this, sql, options);
    const { run: execute } = statement;
    statement.run = ((...values: Parameters<typeof execute>) => {
      const result = execute.apply(statement, values);
      killIf(sql);
      return result;
    }) as typeof execute;
    return statement;
  };
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: never[]) {
    const result: unknown = Reflect.apply(query, this, args);
    if (result instanceof Promise)
      void result.then(
        () => killIf(args[0]),
        () => {},
      );
    return result as never;
  } as typeof query;
}

const runner = await run(systems[name] as System, {
  storage: JSON.parse(storage) as StorageDescription,
  pollIntervalMs: 20,
});
let isClosing = false;
process.on('message', () => {
  isClosing = true;
});
process.on('disconnect', () => process.exit());
while (!isClosing) {
  const [, status] = await runner.status();
  const isLive = status?.building === undefined;
  process.send?.({ isLive, state: status?.state, lag: status?.upstreams[0]?.lag });
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await runner.close();
process.exit();
