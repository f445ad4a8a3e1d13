import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { InvalidArgumentError } from 'kahn';
import { assertGraph, describeGraph } from 'kahn/testing';
import 'kahn/testing/vitest';
import { expect, onTestFinished, test } from 'vitest';
import { shop } from '../../../examples/shop/shop.ts';
import { application, systemOf } from './systems.ts';

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kahn-graph-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const orders = application('orders', ['Order.Placed', 'Order.Paid']);
const letters = application('letters', ['Letter.Sent'], ['Order.Placed']);
const sales = systemOf([[orders, letters]]);
const silent = systemOf([[application('orders', ['Order.Placed']), letters]]);

test('a graph matches its committed snapshot', () => {
  expect(shop).toMatchGraph();
});

test('a graph that differs fails, with what the difference means', async () => {
  const file = join(await directory(), 'sales.json');
  await writeFile(file, describeGraph(sales));
  expect(sales).toMatchGraph(file);
  expect(() => expect(silent).toMatchGraph(file)).toThrow(
    /system 'sales' is not the one in .*sales\.json\.\n\n- Order\.Paid is no longer emitted by 'orders'.*\n\n.*--update/s,
  );
  expect(() => expect(sales).not.toMatchGraph(file)).toThrow(/\.not/);
  expect(() => assertGraph(silent, file)).toThrow(
    expect.objectContaining({
      code: 'ERR_ASSERTION',
      message: expect.stringMatching(/- Order\.Paid is no longer emitted.*--test-update-snapshots/s),
      actual: describeGraph(silent),
      expected: describeGraph(sales),
    }),
  );
});

test('the layout of a snapshot does not matter', async () => {
  const file = join(await directory(), 'sales.json');
  await writeFile(
    file,
    JSON.stringify(JSON.parse(describeGraph(sales)), undefined, '\t').replaceAll('\n', '\r\n'),
  );
  expect(sales).toMatchGraph(file);
  assertGraph(sales, pathToFileURL(file));
});

test.each(['{', '[]', 'null', '{"orders":null}', '{"orders":{"emits":[]}}'])('refuses %s', async (text) => {
  const file = join(await directory(), 'sales.json');
  await writeFile(file, text);
  expect(() => assertGraph(sales, file)).toThrow(InvalidArgumentError);
});

test('assertGraph() writes a snapshot only if it is asked to', async () => {
  const file = join(await directory(), 'deep', 'sales.json');
  expect(() => assertGraph(sales, file)).toThrow(/There is no snapshot .*sales\.json yet/);
  assertGraph(sales, file, { update: true });
  assertGraph(sales, file);
  assertGraph(silent, file, { update: true });
  expect(await readFile(file, 'utf8')).toBe(describeGraph(silent));
});

test('node --test writes snapshots with --test-update-snapshots', async () => {
  const path = await directory();
  const names = ['examples/shop/shop.ts', 'src/testing/index.ts'].map((name) =>
    JSON.stringify(pathToFileURL(name).href),
  );
  const file = join(path, 'shop.test.mjs');
  await writeFile(
    file,
    `import { test } from 'node:test';\nimport { shop } from ${names[0]};\nimport { assertGraph } from ${names[1]};\n` +
      "test('graph', () => assertGraph(shop, new URL('shop.json', import.meta.url)));\n",
  );
  const run = (...flags: string[]) =>
    promisify(execFile)(process.execPath, ['--conditions=kahn-source', '--test', ...flags, file]);
  await expect(run()).rejects.toThrow();
  await run('--test-update-snapshots');
  expect(await readFile(join(path, 'shop.json'), 'utf8')).toBe(describeGraph(shop));
  await run();
});
