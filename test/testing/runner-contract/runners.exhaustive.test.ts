import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { type RunnerSubject, runnerContract } from 'kahn/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { startOnRestate } from '../../support/servers/restate-runner.ts';
import { inPostgres, inSqlite } from './subjects.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

const starts: Readonly<Record<string, RunnerSubject['start']>> = {
  'single-threaded': (system, options) => SingleThreadedRunner.start(system, options),
  'multi-threaded': (system, options) => MultiThreadedRunner.start(system, options),
  'stepping single-threaded': (system, options) =>
    SteppingSingleThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
  'stepping multi-threaded': (system, options) =>
    SteppingMultiThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
  multiprocess: (system, options) => MultiprocessRunner.start(system, options),
  Restate: (system, options) => startOnRestate(engine, system, options),
};

for (const [name, start] of Object.entries(starts)) {
  for (const [storage, kept] of Object.entries({ SQLite: inSqlite, PostgreSQL: inPostgres }))
    runnerContract({ describe, it: test }, { name: `${name} on ${storage}`, ...kept, start });
}
