import { SingleThreadedRunner } from 'kahn';
import { runnerContract } from 'kahn/testing';
import { describe, test } from 'vitest';
import { inMemory, inSqlite } from './subjects.ts';

for (const [name, kept] of Object.entries({ memory: inMemory, SQLite: inSqlite })) {
  runnerContract(
    { describe, it: test },
    {
      name: `single-threaded on ${name}`,
      ...kept,
      start: (system, options) => SingleThreadedRunner.start(system, options),
    },
  );
}
