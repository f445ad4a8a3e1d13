import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { forgottenTypes } from './forgotten-types.ts';
import { plantedBugs, withBug } from './planted-bugs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'kahn-tarball-')));
// npm runs on the Node that runs the tests, not on the first one in the PATH of the shell.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

const installed = pathToFileURL(join(directory, 'node_modules/kahn/dist/index.js')).href;
const reserved = ['a worker thread', 'a worker thread', 'a worker thread'];
const reservations = { memory: reserved, sqlite: reserved, processes: ['a process'] };

interface VitestReport {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

let tarball: { readonly path: string; readonly files: readonly string[] };

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const running = promisify(execFile)(command, args, { cwd, env });
  // Compilers print errors on stdout.
  const { stdout } = await running.catch((cause) => {
    throw new Error(`${cause.message}\n${cause.stdout}`, { cause });
  });
  return stdout;
}

/** Builds and packs a copy of the project, without changing its `dist`. */
async function pack(): Promise<typeof tarball> {
  const copy = join(directory, 'source');
  for (const name of ['src', 'docs', 'package.json', 'README.md', 'CONTRIBUTING.md', 'LICENSE']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) cpSync(join(root, name), join(copy, name));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const printed = await run('npm', ['pack', '--json', '--silent', '--pack-destination', directory], copy);
  const [{ filename, files }] = JSON.parse(printed);
  rmSync(copy, { recursive: true }); // so that the tests see the tarball only
  return {
    path: join(directory, filename),
    files: files.map(({ path }: { readonly path: string }) => path),
  };
}

/** Installs the tarball and its dependencies for three projects, offline. */
async function install(): Promise<void> {
  for (const project of ['js-project', 'ts-project', 'tested-project']) {
    cpSync(fileURLToPath(new URL(project, import.meta.url)), join(directory, project), { recursive: true });
    mkdirSync(join(directory, project, 'data'));
  }
  const local = ['uuid', '@types/node', 'undici-types'].map(
    (name) => [name, `file:${join(root, 'node_modules', name)}`] as const,
  );
  const dependencies = Object.fromEntries([['kahn', `file:${tarball.path}`], ...local]);
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', dependencies }));
  const options = ['--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options], directory);
  symlinkSync(join(root, 'node_modules/vitest'), join(directory, 'node_modules/vitest'));
}

/** Returns the parsed output of a project's program. */
async function printedBy(project: string, program: string): Promise<unknown> {
  return JSON.parse(await run(process.execPath, [program], join(directory, project)));
}

beforeAll(async () => {
  tarball = await pack();
  await install();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('the tarball holds the build, with the programs of workers as separate files, and no sources', () => {
  for (const program of [
    'multi-threaded/worker-thread-entry',
    'multiprocess/worker-process-entry',
    'stepping/threads/worker-thread-entry',
  ]) {
    expect(tarball.files).toContain(`dist/runner/${program}.js`);
  }
  const others = tarball.files.filter((file) => !/^(dist|docs)\//.test(file));
  expect(others.sort()).toEqual(['CONTRIBUTING.md', 'LICENSE', 'README.md', 'package.json']);
  expect(tarball.files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([]);
});

test('a JavaScript project that installs the tarball runs a system in threads and in processes', async () => {
  expect(await printedBy('js-project', 'main.js')).toEqual({
    kahn: installed,
    reservations,
  });
});

test('a project that sets the condition `source` for its own packages gets the build', async () => {
  const program = "console.log(import.meta.resolve('kahn'))";
  const args = ['--conditions=source', '--input-type=module', '--eval', program];
  expect(await run(process.execPath, args, join(directory, 'js-project'))).toBe(`${installed}\n`);
});

test('a TypeScript project that installs the tarball runs from its sources', async () => {
  expect(await printedBy('ts-project', 'main.ts')).toEqual({
    kahn: installed,
    reservations,
    withoutDriver: expect.stringContaining('Run: npm install pg'),
    withoutSdk: expect.stringContaining('Run: npm install @restatedev/restate-sdk'),
    withoutEngine: 'ENGINE_UNREACHABLE',
  });
});

test.each([
  ['node:test', ['--test', 'node.test.js'], ["+       at: 'front'", "-       at: 'back'"]],
  [
    'vitest',
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', '.', 'vitest.test.js'],
    ['-       "at": "back"', '+       "at": "front"'],
  ],
])(
  'a project that installs the tarball tests policies under %s, which shows differences',
  async (_, args, lines) => {
    const running = run(process.execPath, args, join(directory, 'tested-project'));
    const { message } = await running.then(
      () => new Error('no test has failed'),
      (error: Error) => error,
    );
    const printed = stripVTControlCharacters(message);
    expect(printed).toContain("The policy of 'bells' recorded other events than expected.");
    for (const line of lines) expect(printed).toContain(line);
    expect(printed).toMatch(/pass 1\b|1 passed/);
    expect(printed).toMatch(/fail 1\b|1 failed/);
  },
);

test('a project that installs the tarball runs the contract of runners on a runner with threads', async () => {
  const args = ['--test', 'runner.test.js'];
  const printed = await run(process.execPath, args, join(directory, 'tested-project'));
  expect(printed).toMatch(/pass 18\n/);
  expect(printed).toMatch(/fail 0\n/);
});

/**
 * Returns the messages of the tests of `shop.test.ts` that fail, by titles: of all tests for the correct shop, and of the test that
 * finds the bug for the shop with each bug.
 */
async function failuresOfProvenShops(): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const shops = join(directory, 'proven-shops');
  const correct = join(shops, 'correct');
  cpSync(join(root, 'examples/proven-shop'), correct, { recursive: true });
  await run(process.execPath, [join(correct, 'main.ts')], shops);
  const source = readFileSync(join(correct, 'shop.ts'), 'utf8');
  for (const bug of plantedBugs) {
    cpSync(correct, join(shops, bug.name), { recursive: true });
    writeFileSync(join(shops, bug.name, 'shop.ts'), withBug(source, bug));
    const tests = join(shops, bug.name, 'shop.test.ts');
    const one = readFileSync(tests, 'utf8').replace(`test('${bug.foundBy}'`, `test.only('${bug.foundBy}'`);
    writeFileSync(tests, one);
  }
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = ['run', '--root', '.', '--allowOnly', '--reporter=json', '--outputFile=report.json'];
  await expect(run(process.execPath, [vitest, ...args], shops)).rejects.toThrow();
  const report: VitestReport = JSON.parse(readFileSync(join(shops, 'report.json'), 'utf8'));
  const failures = report.testResults.map(({ name, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const messages = failed.map(({ title, failureMessages }) => [title, failureMessages.join('\n')] as const);
    return [basename(dirname(name)), Object.fromEntries(messages)] as const;
  });
  expect(report.numTotalTests).toBe(6 * (plantedBugs.length + 1));
  return new Map(failures);
}

test('a project that installs the tarball finds a bug of its policies with each tool', async () => {
  const failures = await failuresOfProvenShops();
  expect(failures.get('correct')).toEqual({});
  for (const { name, foundBy, message } of plantedBugs) {
    expect(failures.get(name), name).toMatchObject({ [foundBy]: expect.stringMatching(message) });
  }
});

test('every type that a public declaration mentions is exported', () => {
  const entries = Object.values(packageJson.exports).filter((entry) => typeof entry === 'object');
  const doors = entries.map(({ types }) => join(directory, 'node_modules/kahn', types));
  expect(doors.length).toBeGreaterThan(4);
  expect(forgottenTypes(doors)).toEqual([]);
});

test('all declarations compile in the TypeScript project, without the types of drivers', async () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const files = await run(process.execPath, [tsc, '--listFilesOnly'], join(directory, 'ts-project'));
  expect(files).toContain('kahn/dist/storage/postgres/index.d.ts');
  expect(files).toContain('kahn/dist/actors/restate/index.d.ts');
  expect(files).not.toMatch(/types\/pg|restatedev|kahn\/src/);
  await run(process.execPath, [tsc], join(directory, 'ts-project'));
});

test.each([
  ['bundler', 'esnext'],
  ['nodenext', 'nodenext'],
])(
  'a test file with each tool compiles strictly with the module resolution %s',
  async (resolution, module) => {
    const shop = join(directory, `shop-${resolution}`);
    cpSync(join(root, 'examples/proven-shop'), shop, { recursive: true });
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      module,
      moduleResolution: resolution,
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      allowImportingTsExtensions: true,
      noEmit: true,
    };
    writeFileSync(join(shop, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const files = await run(process.execPath, [tsc, '--listFiles'], shop);
    expect(files).toContain('kahn/dist/testing/index.d.ts');
    expect(files).toContain('kahn/dist/testing/vitest/index.d.ts');
    writeFileSync(join(shop, 'wrong.ts'), "import { given } from 'kahn/testing';\ngiven(1);\n");
    await expect(run(process.execPath, [tsc], shop)).rejects.toThrow('wrong.ts(2,7)');
  },
);
