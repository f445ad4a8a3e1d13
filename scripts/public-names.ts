import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** A name that a module exports. */
export interface ExportedName {
  readonly name: string;
  readonly isType: boolean;
  /** Module from which the name is re-exported, as written in the source; undefined if it is declared here. */
  readonly from: string | undefined;
}

const root = new URL('../', import.meta.url);
const marked = /(<!-- names: (\S+) -->\n)[\s\S]*?(<!-- \/names -->)/g;

/** Returns the names that a module exports. */
export function exportedNames(source: string): ExportedName[] {
  const lists = [...source.matchAll(/^export (type )?\{([^}]*)\}(?: from '([^']*)')?/gm)].flatMap(
    ([, onlyTypes, list = '', from]) =>
      list
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '')
        .map((entry) => ({
          name: entry.replace(/^type /, '').replace(/^.* as /, ''),
          isType: onlyTypes !== undefined || entry.startsWith('type '),
          from,
        })),
  );
  const declaration =
    /^export (?:declare )?(?:async )?(?:abstract )?(const|function|class|interface|type) (\w+)/gm;
  const declared = [...source.matchAll(declaration)].map(([, kind, name = '']) => ({
    name,
    isType: kind === 'interface' || kind === 'type',
    from: undefined,
  }));
  return [...lists, ...declared];
}

/**
 * Returns the entry points of the package and the file of each, as in `kahn/sqlite` and `src/storage/sqlite/index.ts`.
 */
export function doors(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  return new Map(
    Object.entries<{ 'kahn-source'?: string }>(exports).flatMap(([door, { 'kahn-source': source }]) =>
      source === undefined ? [] : [[door.replace('.', 'kahn'), posix.normalize(source)] as const],
    ),
  );
}

/** Returns the page with the names of each marked entry point, and the first sentence of each doc comment. */
export function withPublicNames(markdown: string): string {
  return markdown.replaceAll(marked, (_, begin: string, door: string, end: string) => {
    const file = doors().get(door);
    if (file === undefined) throw new Error(`package.json exports no ${door}.`);
    return `${begin}${namesTable(file)}${end}`;
  });
}

function namesTable(file: string): string {
  const names = exportedNames(read(file)).sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const rows = names.map((exported) => `| \`${exported.name}\` | ${sentenceOf(file, exported)} |\n`);
  return `| name | |\n|---|---|\n${rows.join('')}`;
}

/** Returns the first sentence of the doc comment of a name. */
function sentenceOf(file: string, { name, from }: ExportedName): string {
  const path = from === undefined ? file : posix.join(posix.dirname(file), from);
  const source = read(path);
  const declared = new RegExp(
    `/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\nexport (?:declare )?(?:async )?(?:abstract )?(?:const|function|class|interface|type) ${name}\\b`,
  ).exec(source)?.[1];
  if (declared === undefined) {
    const imported = new RegExp(`(?:import|export)[^;]*\\b${name}\\b[^;]* from '([^']*)'`).exec(source)?.[1];
    return imported === undefined ? '' : sentenceOf(path, { name, from: imported, isType: false });
  }
  const text = declared
    .replaceAll(/^ *\* ?/gm, '')
    .replaceAll(/\{@link ([^}]*)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
  return /^(.*?[.:])(?= |$)/.exec(text.replace(/ ?@[a-z].*$/, ''))?.[1]?.replace(/:$/, '.') ?? text;
}

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}
