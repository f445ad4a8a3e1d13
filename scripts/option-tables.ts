import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An option as its interface documents it. */
export interface DocumentedOption {
  readonly name: string;
  readonly isRequired: boolean;
  /** The text of its `@default` tag. */
  readonly default: string | undefined;
  readonly description: string;
}

/** An exported interface of options. */
export interface DocumentedInterface {
  readonly name: string;
  /** File of the interface, relative to the repository. */
  readonly file: string;
  /** Options that the interface declares itself, without inherited options. */
  readonly options: readonly DocumentedOption[];
  /** Name and file of the exported constant with the rules of its options. */
  readonly rules: { readonly name: string; readonly file: string } | undefined;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const table = /(<!-- options: (\w+) -->\n)[\s\S]*?(<!-- \/options -->)/g;

/** Reads the interfaces of options from src/, by name. */
export function documentedInterfaces(): Map<string, DocumentedInterface> {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const sources = files.map((file) => ({
    file: `src/${file}`,
    text: readFileSync(`${root}src/${file}`, 'utf8'),
  }));
  const rules = new Map(
    sources.flatMap(({ file, text }) =>
      [...text.matchAll(/^export const (\w+): OptionRules<\s*(\w+)/gm)].map(
        ([, name = '', owner = '']) => [owner, { name, file }] as const,
      ),
    ),
  );
  const found = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/^export (?:interface|type) (\w+)\b[^{;]*\{\n([\s\S]*?)^\}/gm)].map(
      ([, name = '', body = '']) => ({ name, file, options: optionsIn(body), rules: rules.get(name) }),
    ),
  );
  return new Map(found.map((entry) => [entry.name, entry]));
}

function optionsIn(body: string): DocumentedOption[] {
  const member = /(?: {2}\/\*\*([\s\S]*?)\*\/\n)? {2}readonly (\w+)(\??):/g;
  return [...body.matchAll(member)].map(([, comment = '', name = '', optional]) => {
    const text = comment.replaceAll(/^ *\* ?/gm, '').trim();
    const byDefault = /(?:^|\s)@default ([\s\S]*?)(?=\s@[a-z]|$)/.exec(text)?.[1];
    return {
      name,
      isRequired: optional !== '?',
      default: byDefault?.replaceAll(/\s+/g, ' ').trim(),
      description: plain(text.replace(/(?:^|\s)@[a-z][\s\S]*/, '')),
    };
  });
}

/** Returns a comment as one line of Markdown. */
function plain(comment: string): string {
  return comment
    .replaceAll(/\{@link ([^}]*)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim();
}

/** Returns the table of an interface in Markdown. */
export function optionTable({ options }: DocumentedInterface): string {
  const rows = options.map(
    (option) => `| \`${option.name}\` |${inCell(defaultCell(option))}| ${option.description} |\n`,
  );
  return `| option | default | |\n|---|---|---|\n${rows.join('')}`;
}

function inCell(text: string): string {
  return text === '' ? ' ' : ` ${text} `;
}

function defaultCell({ isRequired, default: byDefault }: DocumentedOption): string {
  if (isRequired) return 'required';
  if (byDefault === undefined) return '';
  const text = byDefault.replaceAll(/\b[\d_]{4,}\b/g, groupedNumber);
  return isLiteral(byDefault) ? `\`${text}\`` : text.replaceAll('|', '\\|');
}

/** Returns a number as a literal of TypeScript, with groups of three digits from 10_000 on. */
function groupedNumber(literal: string): string {
  const digits = literal.replaceAll('_', '');
  return digits.length < 5 ? digits : digits.replaceAll(/\B(?=(?:\d{3})+$)/g, '_');
}

/** Whether a default is a value, not a description. */
export function isLiteral(byDefault: string): boolean {
  return /^(-?[\d_.]+|true|false|'[^']*'|\[.*\])$/.test(byDefault);
}

/** Returns the page with its option tables updated from the sources. */
export function withOptionTables(
  markdown: string,
  interfaces: ReadonlyMap<string, DocumentedInterface>,
): string {
  return markdown.replaceAll(table, (_, begin: string, name: string, end: string) => {
    const documented = interfaces.get(name);
    if (documented === undefined) throw new Error(`No exported interface ${name} in src/.`);
    return `${begin}${optionTable(documented)}${end}`;
  });
}
