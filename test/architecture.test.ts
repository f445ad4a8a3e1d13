import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

type SourceFile = { readonly path: string; readonly source: string };

// A file may import from its own layer and from the layers to its left. `index.ts` is src/index.ts itself.
const layers =
  'util domain storage application system tracing operations runner serving actors index.ts cli inspect testing'.split(
    ' ',
  );
// Inside a layer, a room imports from itself and from the rooms and files listed here. A room that is missing fails.
const rooms: Readonly<Record<string, readonly string[]>> = {
  util: ['util/environment'],
  'util/environment': [],
  domain: [],
  'domain/events': ['domain/event.ts'],
  'domain/validation': [
    'domain/events/define-events.ts',
    'domain/events/standard-schema.ts',
    'domain/event.ts',
    'domain/frozen-copy.ts',
    'domain/mutable-copy.ts',
    'domain/plain-data.ts',
    'domain/realms.ts',
  ],
  storage: [],
  'storage/codec': ['storage/limits.ts', 'storage/stored-event.ts'],
  'storage/layers': ['storage'],
  'storage/renaming': ['storage', 'storage/layers'],
  'storage/sealing': ['storage', 'storage/layers'],
  'storage/sql': ['storage'],
  'storage/memory': [
    'storage',
    'storage/memory/rows',
    'storage/memory/shared',
    'storage/sqlite/rows/sqlite-rows.ts',
  ],
  'storage/memory/rows': [
    'storage',
    'storage/sql',
    'storage/memory/errors.ts',
    'storage/memory/shared/sharable-memory.ts',
    'storage/sqlite',
    'storage/sqlite/connection',
    'storage/sqlite/rows',
  ],
  'storage/memory/shared': [
    'storage',
    'storage/sql',
    'storage/memory/application-memory.ts',
    'storage/memory/commands.ts',
    'storage/memory/errors.ts',
    'storage/memory/log-order.ts',
    'storage/memory/parked-notifications.ts',
    'storage/memory/positions.ts',
    'storage/memory/sorted-list.ts',
  ],
  'storage/sqlite': [
    'storage',
    'storage/sql',
    'storage/sqlite/backup',
    'storage/sqlite/connection',
    'storage/sqlite/layout',
    'storage/sqlite/rows',
  ],
  'storage/sqlite/rows': ['storage', 'storage/sql', 'storage/sqlite', 'storage/sqlite/connection'],
  'storage/sqlite/backup': [
    'storage',
    'storage/sql',
    'storage/sqlite',
    'storage/sqlite/connection',
    'storage/sqlite/layout',
  ],
  'storage/sqlite/connection': ['storage', 'storage/sql', 'storage/sqlite', 'storage/sqlite/layout'],
  'storage/sqlite/layout': [
    'storage',
    'storage/sql',
    'storage/sqlite',
    'storage/sqlite/connection/driver.ts',
  ],
  'storage/postgres': [
    'storage',
    'storage/sql',
    'storage/postgres/connection',
    'storage/postgres/appending',
    'storage/postgres/rows',
  ],
  'storage/postgres/rows': ['storage', 'storage/sql', 'storage/postgres', 'storage/postgres/connection'],
  'storage/postgres/appending': ['storage', 'storage/sql', 'storage/postgres', 'storage/postgres/connection'],
  'storage/postgres/connection': ['storage', 'storage/sql', 'storage/postgres'],
  application: [
    'application/control',
    'application/recording',
    'application/commands',
    'application/error-rules',
    'application/following',
    'application/following/batches',
    'application/replaying',
    'application/parking',
    'application/personal',
    'application/policy',
    'application/projection',
    'application/log',
    'application/resources',
  ],
  'application/control': ['application/replaying/repetitions.ts', 'application/recording'],
  'application/commands': [
    'application/errors.ts',
    'application/personal',
    'application/policy/current-policy.ts',
    'application/recording',
  ],
  'application/error-rules': [
    'application/errors.ts',
    'application/failures.ts',
    'application/following-errors.ts',
    'application/parking',
    'application/recording',
  ],
  'application/parking': ['application/control', 'application/recording'],
  'application/personal': ['application/memory-bounds.ts'],
  'application/recording': [
    'application/errors.ts',
    'application/memory-bounds.ts',
    'application/personal',
    'application/snapshots',
    'application/log/recent-notifications.ts',
  ],
  'application/snapshots': ['application/personal'],
  'application/following/causality': [
    'application/following/upstream-cursor.ts',
    'application/parking/parked-set.ts',
    'application/recording',
  ],
  'application/following/tries': [
    'application/failures.ts',
    'application/following-errors.ts',
    'application/following/upstream-cursor.ts',
    'application/recording',
  ],
  'application/following': [
    'application/following/causality',
    'application/following/tries',
    'application/control',
    'application/error-rules',
    'application/parking',
    'application/errors.ts',
    'application/failures.ts',
    'application/following-errors.ts',
    'application/memory-bounds.ts',
    'application/personal',
    'application/recording',
    'application/replaying',
    'application/policy',
    'application/log',
    'application/following/batches',
  ],
  'application/following/batches': [
    'application/errors.ts',
    'application/following-errors.ts',
    'application/following/upstream-cursor.ts',
    'application/following/upstream-log.ts',
    'application/parking',
    'application/personal',
    'application/policy',
    'application/recording',
    'application/replaying',
  ],
  'application/replaying': [
    'application/control',
    'application/errors.ts',
    'application/failures.ts',
    'application/following-errors.ts',
    'application/memory-bounds.ts',
    'application/following',
    'application/log',
    'application/parking',
    'application/policy',
    'application/recording',
  ],
  'application/policy': [
    'application/errors.ts',
    'application/failures.ts',
    'application/following-errors.ts',
    'application/memory-bounds.ts',
    'application/policy/aggregates',
    'application/recording',
  ],
  'application/projection': [
    'application/control/operation-kinds.ts',
    'application/control/operation-reader.ts',
    'application/control/read-operations.ts',
    'application/application.ts',
    'application/errors.ts',
    'application/process-application.ts',
    'application/following/batches/batch-options.ts',
    'application/policy',
    'application/recording',
  ],
  'application/policy/aggregates': [
    'application/errors.ts',
    'application/memory-bounds.ts',
    'application/policy/current-policy.ts',
    'application/recording',
  ],
  'application/log': [
    'application/control/operation-kinds.ts',
    'application/control/read-operations.ts',
    'application/errors.ts',
    'application/memory-bounds.ts',
    'application/parking/late-effects.ts',
  ],
  'application/resources': [],
  system: [],
  'tracing/explanation': [],
  'tracing/verification': ['tracing/verification/operations'],
  'tracing/verification/operations': [
    'tracing/verification/fault.ts',
    'tracing/verification/verification.ts',
  ],
  operations: [],
  serving: [],
  'storage/remote': ['storage', 'storage/layers'],
  runner: [
    'runner/single-threaded/single-threaded-runner.ts',
    'runner/operating/failure-records.ts',
    'runner/operating/operation-options.ts',
    'runner/operating/repetition-options.ts',
    'runner/operating/parked-events.ts',
    'runner/operating/parked-filter.ts',
    'runner/positions',
    'runner/schemas',
    'runner/undeclared-events/undeclared-report.ts',
  ],
  'runner/operating': ['runner'],
  'runner/schemas': [],
  'runner/single-threaded': [
    'runner',
    'runner/operating',
    'runner/loops',
    'runner/positions',
    'runner/waiting',
  ],
  'runner/positions': [],
  'runner/undeclared-events': ['runner'],
  'runner/waiting': ['runner'],
  'runner/loops': ['runner'],
  'runner/asynchronous': ['runner', 'runner/operating', 'runner/waiting'],
  'runner/supervised': ['runner', 'runner/loops', 'runner/asynchronous', 'runner/waiting'],
  'runner/multi-threaded': ['runner', 'runner/positions', 'runner/supervised'],
  'runner/multiprocess': ['runner', 'runner/positions', 'runner/supervised'],
  'runner/stepping': [
    'runner',
    'runner/operating',
    'runner/loops',
    'runner/waiting/watched-followers.ts',
    'runner/stepping/clock',
    'runner/stepping/stopping',
    'runner/stepping/threads',
  ],
  'runner/stepping/stopping': ['runner', 'runner/stepping', 'runner/stepping/clock'],
  'runner/stepping/clock': ['runner', 'runner/waiting'],
  'runner/stepping/threads': ['runner', 'runner/supervised', 'runner/stepping'],
  'actors/restate': ['actors/restate/client', 'actors/restate/service', 'actors/restate/engine'],
  'actors/restate/protocol': [],
  'actors/restate/engine': ['actors/restate/errors.ts', 'actors/restate/protocol'],
  'actors/restate/host': ['actors/restate/errors.ts', 'actors/restate/protocol'],
  'actors/restate/actors': ['actors/restate/protocol', 'actors/restate/engine', 'actors/restate/host'],
  'actors/restate/client': ['actors/restate/errors.ts', 'actors/restate/protocol', 'actors/restate/engine'],
  'actors/restate/service': [
    'actors/restate/protocol',
    'actors/restate/engine',
    'actors/restate/host',
    'actors/restate/actors',
  ],
  testing: [
    'testing/faults',
    'testing/given-when-then',
    'testing/graph-snapshots',
    'testing/recorder-contract',
    'testing/replaying',
    'testing/runner-contract',
    'testing/scenarios',
    'testing/schedules',
  ],
  'testing/scenarios': [],
  'testing/crashes': ['testing/faults'],
  'testing/equivalence': [],
  'testing/faults': [],
  'testing/given-when-then': [],
  'testing/graph-snapshots': [],
  'testing/replaying': [],
  'testing/runner-contract': ['testing/recorder-contract'],
  'testing/schedules': ['testing/faults', 'testing/scenarios'],
  'testing/vitest': ['testing/graph-snapshots'],
  'testing/recorder-contract': ['testing/recorder-contract/optional'],
  'testing/recorder-contract/optional': ['testing/recorder-contract'],
};
const mostFilesInARoom = 14;
const apart = ['cli', 'inspect', 'testing'];
const externals = [
  /^[^:]+ node:/,
  /^[^:]+ uuid$/,
  /^storage\/postgres\/\S+ pg$/,
  /^actors\/restate\/\S+ @restatedev\/restate-sdk$/,
  /^testing\/vitest\/\S+ vitest$/,
];
const maxLines = 400;

/** The specifiers of all imports: static, type-only, side effect, re-export, dynamic with a literal, type query. */
function importsOf(source: string): string[] {
  const commentOrString =
    /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  const code = source.replace(commentOrString, (text) => (text.startsWith('/') ? ' ' : text));
  const anyImport =
    /(?:^|;)\s*(?:import|export)\b(?:[^'"`;()=]*?\bfrom)?\s*['"]([^'"\n]+)['"]|\bimport\(\s*(['"`])([^'"`$\n]+)\2/gm;
  return Array.from(code.matchAll(anyImport), (match) => match[1] ?? match[3] ?? '');
}

/** Returns the rule that an import breaks, if any. Paths are relative to src/. */
function brokenRule(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    return externals.some((allowed) => allowed.test(`${path} ${specifier}`)) ? undefined : 'external';
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (target === posix.join(posix.dirname(path), 'index.ts')) return 'own index';
  const from = path.split('/')[0] ?? '';
  const to = target.split('/')[0] ?? '';
  if (!layers.includes(to)) return 'unknown layer';
  if (from !== to && to === 'testing') return 'testing is imported';
  if (from === 'testing') return to === 'cli' || to === 'inspect' ? 'layer order' : undefined;
  if (apart.includes(from) && apart.includes(to)) return undefined;
  if (layers.indexOf(to) > layers.indexOf(from)) return 'layer order';
  return from === to ? brokenRoom(path, target) : undefined;
}

/** Returns the rule that an import inside a layer breaks, if any. */
function brokenRoom(path: string, target: string): string | undefined {
  const room = posix.dirname(path);
  const allowed = rooms[room];
  if (allowed === undefined) return room === '.' ? undefined : 'unknown room';
  const fits = [room, ...allowed].some((one) => one === target || one === posix.dirname(target));
  return fits ? undefined : 'room';
}

/** Rooms that hold too many files. */
function crowdedRooms(files: readonly SourceFile[]): string[] {
  const counts = Map.groupBy(files, ({ path }) => posix.dirname(path));
  return [...counts].filter(([, inside]) => inside.length > mostFilesInARoom).map(([room]) => room);
}

/** Checks files of src/ and returns a line per violation: `path: rule (import)`. */
function check(files: readonly SourceFile[]): { imports: number; violations: string[] } {
  const violations: string[] = [];
  let imports = 0;
  for (const { path, source } of files) {
    if (!layers.includes(path.split('/')[0] ?? '')) violations.push(`${path}: unknown layer`);
    if (source.trimEnd().split('\n').length > maxLines)
      violations.push(`${path}: more than ${maxLines} lines`);
    for (const specifier of importsOf(source)) {
      imports += 1;
      const rule = brokenRule(path, specifier);
      if (rule !== undefined) violations.push(`${path}: ${rule} (${specifier})`);
    }
  }
  return { imports, violations };
}

function read(folder: 'src' | 'test'): SourceFile[] {
  const root = new URL(`../${folder}/`, import.meta.url);
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) =>
    path.replaceAll('\\', '/'),
  );
  return paths
    .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !path.includes('/.')) // other tests write hidden folders
    .map((path) => ({ path, source: readFileSync(new URL(path, root), 'utf8') }));
}

test('src keeps to its layers and rooms', () => {
  const files = read('src');
  const { imports, violations } = check(files);
  expect(violations).toEqual([]);
  expect(crowdedRooms(files)).toEqual([]);
  expect(
    new Set(files.map(({ path }) => posix.dirname(path))).difference(new Set(['.', ...Object.keys(rooms)])),
  ).toEqual(new Set());
  expect(files.length).toBeGreaterThan(10);
  expect(imports).toBeGreaterThan(0);
});

test('no room of the tests is crowded', () => {
  expect(crowdedRooms(read('test'))).toEqual([]);
});

describe('the check itself', () => {
  test.each([
    ['layer order', 'domain/event.ts', `import { a } from '../runner/runner.ts';`],
    ['layer order', 'domain/event.ts', `import type { A } from '../storage/recorder.ts';`],
    [
      'layer order',
      'domain/event.ts',
      `// it's here\nexport {\n  a, // it's b\n} from "../system/system.ts";`,
    ],
    ['layer order', 'domain/event.ts', `const a = await import(\n  '../system/system.ts'\n);`],
    ['layer order', 'domain/event.ts', `type A = import('../system/system.ts').A;`],
    ['layer order', 'domain/event.ts', `import '../system/system.ts';`],
    ['layer order', 'actors/restate/index.ts', `import { a } from '../../index.ts';`],
    ['layer order', 'index.ts', `export { a } from './cli/main.ts';`],
    ['layer order', 'testing/index.ts', `import { a } from '../inspect/server.ts';`],
    ['room', 'storage/codec/encoder.ts', `import { a } from '../memory/recorder.ts';`],
    ['room', 'application/log/notification-log.ts', `import type { A } from '../application.ts';`],
    ['room', 'actors/restate/engine/engine-client.ts', `import { a } from '../client/prompter.ts';`],
    ['unknown room', 'storage/misc/a.ts', `import { a } from '../errors.ts';`],
    ['testing is imported', 'index.ts', `export { a } from './testing/index.ts';`],
    ['testing is imported', 'cli/main.ts', `import { a } from '../testing/contract.ts';`],
    ['own index', 'storage/sqlite/recorder.ts', `import { a } from './index.ts';`],
    ['external', 'domain/event.ts', `import { a } from 'lodash';`],
    ['external', 'domain/event.ts', `import { a } from 'kahn';`],
    ['external', 'storage/sqlite/recorder.ts', `import pg from 'pg';`],
    ['external', 'runner/status.ts', `import type { Context } from '@restatedev/restate-sdk';`],
    ['unknown layer', 'domain/event.ts', `import { a } from '../../test/a.ts';`],
    ['unknown layer', 'misc/a.ts', ''],
    ['more than 400 lines', 'domain/event.ts', 'a();\n'.repeat(401)],
  ])('finds: %s in %s', (rule, path, source) => {
    expect(check([{ path, source }]).violations).toEqual([expect.stringContaining(`${path}: ${rule}`)]);
  });

  test('finds a crowded room', () => {
    const files = Array.from({ length: mostFilesInARoom + 1 }, (_, i) => ({
      path: `util/${i}.ts`,
      source: '',
    }));
    expect(crowdedRooms(files)).toEqual(['util']);
    expect(crowdedRooms(files.slice(1))).toEqual([]);
  });

  test.each([
    ['domain/event.ts', `import { v7 } from 'uuid';\nimport { a } from '../util/errors.ts';`],
    ['domain/aggregate.ts', `import type { A } from './event.ts';\nimport fs from 'node:fs';`],
    ['storage/postgres/recorder.ts', `import pg from 'pg';`],
    ['actors/restate/sdk.ts', `const sdk = await import('@restatedev/restate-sdk');`],
    ['index.ts', `export { a } from './actors/restate/index.ts';`],
    ['testing/index.ts', `export { a } from './contract.ts';\nimport { b } from '../index.ts';`],
    ['domain/event.ts', `/* import { a } from '../runner/runner.ts'; */\n// import '../runner/runner.ts'\n`],
    ['domain/event.ts', `export interface A {\n  readonly from: '../runner/runner.ts';\n}`],
    ['domain/event.ts', 'a();\n'.repeat(400)],
  ])('accepts an import in %s', (path, source) => {
    expect(check([{ path, source }]).violations).toEqual([]);
  });
});
