import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? '');
const runnable = blocks[0] ?? '';

test('the code of the README runs and prints what it says, in 25 lines', () => {
  const args = ['--conditions=source', '--input-type=module-typescript', '-'];
  const output = execFileSync(process.execPath, args, { cwd: root, input: runnable, encoding: 'utf8' });
  expect(output.trim().split('\n')).toEqual([
    "1 Order.Placed { customer: 'ada' }",
    expect.stringMatching(/^2 Order\.Reserved \{ reservationId: '[0-9a-f-]{36}' \}$/),
  ]);
  expect(runnable.trim().split('\n')).toHaveLength(25);
});

test('all code of the README compiles', () => {
  // Inside the project, so that 'kahn' is found as it is by its users.
  const directory = mkdtempSync(join(root, 'test/.readme-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  blocks.forEach((code, i) => {
    writeFileSync(join(directory, `${i}.ts`), i === 0 ? code : `${preamble}${code}`);
  });
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ extends: '../tsconfig.json', files: blocks.map((_, i) => `${i}.ts`) }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', directory], { encoding: 'utf8' });
  expect(stdout).toBe('');
});

test('every relative link of the README and the docs leads somewhere', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
  ];
  const links = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) =>
      join(root, page, '..', link ?? ''),
    ),
  );
  expect(links.length).toBeGreaterThan(5);
  expect(links.filter((link) => !existsSync(link))).toEqual([]);
});

/** What the pieces of code after the first one take for granted. */
const preamble = `
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
`;
