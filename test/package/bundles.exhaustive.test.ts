import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import esbuild from 'esbuild';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { connectionString, temporarySchema } from '../support/servers/postgres.ts';
import { temporaryDirectory } from '../support/storages.ts';

type Format = 'esm' | 'cjs';
interface Bundle {
  readonly entry: string;
  readonly output: string;
  readonly format: Format;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'kahn-bundles-'));
const installed = join(project, 'node_modules/kahn');
const run = promisify(execFile);
const drivers = ['pg', '@restatedev/restate-sdk'];
const extensions = { esm: 'mjs', cjs: 'cjs' };

const bundlers = {
  esbuild: ({ entry, output, format }: Bundle) =>
    esbuild.build({
      entryPoints: [entry],
      outfile: output,
      format,
      bundle: true,
      minify: true,
      platform: 'node',
      external: drivers,
      logLevel: 'silent',
    }),
  async rolldown({ entry, output, format }: Bundle) {
    await using bundle = await rolldown({ input: entry, platform: 'node', external: drivers });
    await bundle.write({ file: output, format, minify: true, codeSplitting: false });
  },
  async webpack({ entry, output, format }: Bundle) {
    const isModule = format === 'esm';
    const compiler = webpack({
      entry,
      mode: 'production',
      target: 'node24',
      output: {
        path: join(output, '..'),
        filename: output.slice(join(output, '..').length + 1),
        module: isModule,
        chunkFormat: isModule ? 'module' : 'commonjs',
      },
      experiments: { outputModule: isModule },
      externalsType: isModule ? 'module' : 'commonjs',
      externals: drivers,
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    expect(stats?.toString({ all: false, errors: true, warnings: true })).toBe('');
  },
};

/** Builds the package, bundles a project with it, and takes the package away. */
beforeAll(async () => {
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')];
  await run(process.execPath, args);
  for (const name of ['uuid', 'pg']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  }
  cpSync(fileURLToPath(new URL('bundled-project', import.meta.url)), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const [name, bundle] of Object.entries(bundlers)) {
    for (const format of ['esm', 'cjs'] as const) {
      const output = join(project, name, format, `main.${extensions[format]}`);
      await bundle({ entry: join(project, 'main.js'), output, format });
    }
  }
  rmSync(installed, { recursive: true });
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe.each(Object.keys(bundlers))('a bundle made by %s', (bundler) => {
  test.each(['esm', 'cjs'] as const)('in format %s', async (format) => {
    const directory = join(project, bundler, format);
    const program = join(directory, `main.${extensions[format]}`);
    const args = [program, temporaryDirectory(), connectionString, temporarySchema()];
    const { stdout } = await run(process.execPath, args);
    const { reserved, refusals } = JSON.parse(stdout);
    expect(reserved).toEqual({ memory: true, sqlite: true, postgres: true, stepping: true });
    expect(refusals).toEqual(
      ['MultiThreadedRunner', 'MultiprocessRunner', 'SteppingMultiThreadedRunner'].map((runner) => ({
        code: 'BUNDLED',
        message: expect.stringMatching(
          new RegExp(`^${runner} starts files of kahn in workers, .*Keep kahn outside of the bundle`),
        ),
      })),
    );
  });
});
