import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Types of compile-time checks: users see the sentences of these types, never the names. */
const checks = /^Checked/;

/** Returns `name: type` for each type that the declaration of a public name mentions and no entry point exports. */
export function forgottenTypes(doors: readonly string[]): string[] {
  const names = new Map(doors.flatMap((door) => [...exportsOf(door)]));
  return [...names].flatMap(([name, file]) =>
    [...typesIn(name, readFileSync(file, 'utf8'))]
      .filter((type) => !names.has(type) && !checks.test(type))
      .map((type) => `${name}: ${type}`),
  );
}

/** Returns the names that an entry point exports, each with the file that declares it. */
function exportsOf(door: string): Map<string, string> {
  const text = readFileSync(door, 'utf8');
  const imported = new Map(namesOf(text, /(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/g));
  const own = [...text.matchAll(/^export declare \w+ (\w+)/gm)].map(([, name = '']) => name);
  const exported = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => split(list));
  return new Map(
    [...exported, ...own].map((name) => [
      name,
      join(
        dirname(door),
        imported.get(name)?.replace(/\.[jt]s$/, '.d.ts') ?? door.slice(dirname(door).length),
      ),
    ]),
  );
}

function* namesOf(text: string, pattern: RegExp): Generator<[string, string]> {
  for (const [, list, from = ''] of text.matchAll(pattern)) {
    for (const name of split(list)) yield [name, from];
  }
}

function split(list = ''): string[] {
  return list.split(',').flatMap((name) => name.trim().replace(/^type /, '') || []);
}

/** Types of this package that a declaration mentions, without its private members. */
function typesIn(name: string, text: string): Set<string> {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const start = code.search(new RegExp(`^(export )?(declare )?(abstract )?\\w+ ${name}\\b`, 'm'));
  const rest = code.slice(start);
  const end = rest.search(/\n(?=export |declare |import |type |interface |\/\/)/);
  const declaration = rest.slice(0, end === -1 ? rest.length : end).replaceAll(/^\s*(private |#).*$/gm, '');
  const known = new Set([
    ...[...namesOf(code, /import (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)].map(([type]) => type),
    ...[...code.matchAll(/^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type) (\w+)/gm)].map(
      ([, type = '']) => type,
    ),
  ]);
  const words = declaration.match(/\b[A-Z]\w+/g) ?? [];
  return new Set(words.filter((word) => known.has(word) && word !== name));
}
