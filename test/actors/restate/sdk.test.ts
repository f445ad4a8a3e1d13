import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';

test('without the SDK, a service reports how to install it, and a runner starts without it', () => {
  const project = temporaryDirectory();
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  mkdirSync(`${project}/node_modules`);
  mkdirSync(`${project}/data`);
  for (const path of ['src', 'examples', 'package.json', 'node_modules/uuid'])
    cpSync(`${root}${path}`, `${project}/${path}`, { recursive: true });
  const script = `
    import { RestateRunner, RestateService } from 'kahn/restate';
    import { sqlite } from 'kahn/sqlite';
    import { shop } from './examples/shop/shop.ts';
    const storage = sqlite({ directory: 'data' });
    const print = ({ code, message }) => console.log(code, message);
    await RestateService.start(shop, { storage, port: 0 }).catch(print);
    await RestateRunner.start(shop, { storage, ingressUrl: 'http://127.0.0.1:1' }).catch(print);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=kahn-source', '--input-type=module', '--eval', script],
    { cwd: project, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    "INVALID_OPTION RestateService needs '@restatedev/restate-sdk', which is not installed. Run: npm install @restatedev/restate-sdk",
    expect.stringMatching(/^ENGINE_UNREACHABLE /),
    '',
  ]);
});
