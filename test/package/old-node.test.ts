import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const root = new URL('../../', import.meta.url);
const entries = Object.entries(packageJson.exports).flatMap(([path, target]) =>
  typeof target === 'string' ? [] : [[path.replace('.', 'kahn'), target['kahn-source']] as const],
);

/** Makes this Node look like Node 20: its version, and the modules and exports that it lacks. */
const node20 = `
  import { registerHooks } from 'node:module';
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
  process.getBuiltinModule = undefined;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'node:sqlite') throw new Error('No such built-in module: node:sqlite');
      return next(specifier, context);
    },
  });
  delete globalThis.AsyncDisposableStack;
`;

test.each(entries)('%s says in one sentence that Node is too old', async (name, source) => {
  expect(readFileSync(new URL(source, root), 'utf8')).toMatch(
    /^import '[./]+util\/environment\/node-version\.ts';\n/,
  );
  const program = `import('${name}').catch((error) => console.log(error.message))`;
  const preload = `data:text/javascript,${encodeURIComponent(node20)}`;
  const args = ['--conditions=kahn-source', '--import', preload, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) });
  expect(stdout).toBe('kahn needs Node 24 or newer, but this is Node 20.20.2.\n');
});
