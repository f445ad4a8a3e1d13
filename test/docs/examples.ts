import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { doors, exportedNames } from '../../scripts/public-names.ts';
import { type CodeBlock, exampleUrl, root } from './pages.ts';

/** Modules whose names `@example` blocks may use without an import, as they may use public names. */
const modules: Readonly<Record<string, string>> = {
  './shop/order.ts': 'examples/shop/order.ts',
  './shop/orders.ts': 'examples/shop/orders.ts',
  './shop/payment.ts': 'examples/shop/payment.ts',
  './shop/payments.ts': 'examples/shop/payments.ts',
  './shop/reservation.ts': 'examples/shop/reservation.ts',
  './shop/reservations.ts': 'examples/shop/reservations.ts',
  './shop/shop.ts': 'examples/shop/shop.ts',
  './fixtures.ts': 'test/docs/fixtures.ts',
  './declarations.ts': 'test/docs/declarations.ts',
};

/**
 * The `@example` blocks in the doc comments of src/. Examples that need an engine or a declaration are not executed.
 */
export function sourceExamples(): CodeBlock[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const imports = importsByName();
  return files.sort().flatMap((file) => examplesIn(`src/${file}`, imports));
}

function examplesIn(path: string, imports: ReadonlyMap<string, string>): CodeBlock[] {
  const source = readFileSync(join(root, path), 'utf8');
  return [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) =>
    [...comment[0].matchAll(/@example([\s\S]*?)(?=\n\s*\* @\w|\s*\*\/)/g)].map((example) => {
      const line = source.slice(0, comment.index + example.index).split('\n').length;
      const code = (example[1] ?? '')
        .replaceAll(/^ *\* ?/gm, '')
        .replaceAll(/^```(ts)?$/gm, '')
        .trim();
      const setup = setupFor(code, imports);
      const runs = !/declarations\.ts|kahn\/restate/.test(setup + code);
      return {
        place: `${path}:${line}`,
        code: `${code}\n`,
        setup,
        runs,
        fileName: undefined,
        output: undefined,
      };
    }),
  );
}

/** Imports of the names that the code uses and does not declare. */
function setupFor(code: string, imports: ReadonlyMap<string, string>): string {
  const used = new Set(code.match(/(?<![.'\w])[A-Za-z]\w*(?!\w*:)/g));
  const isDeclared = (name: string) =>
    [
      `\\b(const|let|using|function|class|type|interface) ${name}\\b`,
      `\\([^()]*\\b${name}\\b[^()]*\\) =>`,
      `\\b${name}\\b.* from '`,
    ].some((declaration) => new RegExp(declaration).test(code));
  return [...used]
    .filter((name) => imports.has(name) && !isDeclared(name))
    .map((name) => `${imports.get(name)}\n`)
    .join('');
}

/** Returns the statement that provides each name. Entry points come last, so that they override fixtures. */
function importsByName(): Map<string, string> {
  const all = [...Object.entries(modules), ...[...doors()].reverse()];
  const imports = all.flatMap(([specifier, file]) =>
    exportedNames(readFileSync(join(root, file), 'utf8')).map(
      ({ name, isType }) =>
        [name, `import { ${isType ? 'type ' : ''}${name} } from '${specifier}';`] as const,
    ),
  );
  return new Map([['connectionString', `const connectionString = '${exampleUrl}';`], ...imports]);
}
