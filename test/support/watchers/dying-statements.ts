import pg from 'pg';
import { watchStatements } from './sqlite-statements.ts';

const writing = /^\s*(begin|commit|rollback|insert|update|delete|with)\b/i;

/**
 * Kills this process at a moment of its writing statements, counted from 0: in SQLite before each of them and behind the
 * last one, in PostgreSQL before each is sent, when it is sent, and behind its answer.
 */
export function dieAt(fatal: number): void {
  let moment = 0;
  const pass = (text: string) => {
    if (!writing.test(text)) return;
    if (moment === fatal) process.kill(process.pid, 'SIGKILL');
    moment += 1;
  };
  const passEnd = ({ text }: { readonly text: string }) => {
    if (text === 'commit') pass(text);
  };
  watchStatements(({ text }) => pass(text), passEnd);
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: readonly unknown[]) {
    const [given] = args as [string | { readonly text: string }];
    const text = typeof given === 'string' ? given : given.text;
    pass(text);
    const result: unknown = Reflect.apply(query, this, args);
    pass(text);
    if (result instanceof Promise)
      void result.then(
        () => pass(text),
        () => {},
      );
    return result as never;
  } as typeof query;
}
