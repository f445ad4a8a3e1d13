import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { temporaryDatabase } from '../support/servers/postgres.ts';
import { sourceExamples } from './examples.ts';
import { allPages, type CodeBlock, codeBlocks, exampleUrl, root } from './pages.ts';

/** A block, and the file in which it is compiled and executed. */
interface Module extends CodeBlock {
  readonly file: string;
}

const pages = Map.groupBy([...allPages().flatMap(codeBlocks), ...sourceExamples()], ({ place }) =>
  place.startsWith('src/') ? 'doc comments' : place.replace(/:\d+$/, ''),
);
// Inside the project, so that 'kahn' resolves as in a user's project.
const directory = mkdtempSync(join(root, 'test/docs/.blocks-'));
afterAll(() => rmSync(directory, { recursive: true }));
const modules = new Map(
  [...pages].map(([page, blocks]) => [page, blocks.map((block) => moduleOf(page, block))]),
);

function moduleOf(page: string, block: CodeBlock): Module {
  const name = block.fileName ?? `${block.place.replaceAll(/\W/g, '-')}.ts`;
  return { ...block, file: join(directory, page.replaceAll(/\W/g, '-'), name) };
}

beforeAll(() => {
  for (const module of [...modules.values()].flat()) {
    mkdirSync(dirname(module.file), { recursive: true });
    const code = `${module.setup}${module.code}`
      .replaceAll(/'\.\/(shop|commands|paxos)\//g, "'../../../../examples/$1/")
      .replaceAll(/'\.\/(fixtures|declarations)\.ts'/g, "'../../$1.ts'");
    writeFileSync(module.file, code);
  }
});

/** Replaces the path of a written block by the place of the block. */
function withPlaces(text: string): string {
  return [...modules.values()].flat().reduce((result, { file, place, setup }) => {
    const hidden = setup.split('\n').length - 1;
    const name = file.slice(root.length);
    const note = hidden === 0 ? place : `${place} (after ${hidden} lines of setup)`;
    return result.replaceAll(file, note).replaceAll(name, note);
  }, text);
}

test('all code of the pages and of doc comments compiles', () => {
  const files = [...modules.values()].flat().map(({ file }) => file);
  expect(files.length).toBeGreaterThan(40);
  const project = join(directory, 'tsconfig.json');
  writeFileSync(project, JSON.stringify({ extends: '../../tsconfig.json', files, include: [] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', project], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(withPlaces(stdout)).toBe('');
});

const executed = [...modules].filter(([, blocks]) => blocks.some(({ runs }) => runs));

test.each(executed)('the code of %s runs and prints the output in the page', async (_, blocks) => {
  const printed = await run(blocks.filter(({ runs }) => runs));
  for (const { place, output } of blocks.filter((block) => block.output !== undefined)) {
    expect(withoutIdsAndTimes(printed.get(place) ?? '').trimEnd(), place).toBe(
      withoutIdsAndTimes(output ?? ''),
    );
  }
});

/** Executes blocks one after another in one process, in an empty directory, and returns the output of each. */
async function run(blocks: readonly Module[]): Promise<Map<string, string>> {
  const cwd = mkdtempSync(join(tmpdir(), 'kahn-docs-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, 'data'));
  await giveDatabase(blocks);
  const program = join(dirname(blocks[0]?.file ?? directory), 'all.ts');
  const lines = blocks.map(
    ({ file, place }) => `console.log('\\0${place}');\nawait import(${JSON.stringify(file)});\n`,
  );
  writeFileSync(program, `${lines.join('')}export {};\n`);
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=kahn-source', program], {
    cwd,
    // A block that hangs must not outlive the test.
    timeout: 500_000,
    killSignal: 'SIGKILL',
  }).catch((cause) => {
    throw new Error(withPlaces(`${cause.stdout}\n${cause.stderr}`));
  });
  const parts = stdout.split('\0').slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );
}

/** Replaces the database of the examples by a real one. */
async function giveDatabase(blocks: readonly Module[]): Promise<void> {
  const using = blocks.filter(({ code, setup }) => `${setup}${code}`.includes(exampleUrl));
  if (using.length === 0) return;
  const url = await temporaryDatabase();
  for (const { file } of using) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(exampleUrl, url));
  }
}

/** Replaces what differs from run to run. */
function withoutIdsAndTimes(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g, '<time>')
    .replaceAll(/ *\+[\d.]+ m?s\b/g, ' <duration>');
}
