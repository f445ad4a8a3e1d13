import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Database of all examples. A real database replaces it when they are executed. */
export const exampleUrl = 'postgres://app:secret@db.example/app';

/** A page in Markdown, by its path in the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A block of TypeScript, in a page or in a doc comment. */
export interface CodeBlock {
  /** File and line of its first line, as in `docs/policies.md:12`. */
  readonly place: string;
  readonly code: string;
  /** Hidden code in front of the block: `<!-- setup … -->` in the line above it. */
  readonly setup: string;
  /** Whether the block is executed; not with `<!-- compile only: reason -->` in the line above it. */
  readonly runs: boolean;
  /** File name for imports by other blocks of the page, if the first line has one: `// shop.ts`. */
  readonly fileName: string | undefined;
  /** Expected output: a `text` block that follows before the next block of TypeScript. */
  readonly output: string | undefined;
}

/** README, CONTRIBUTING and all pages of docs/. */
export function allPages(): Page[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`);
  return ['README.md', 'CONTRIBUTING.md', ...docs.sort()].map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
}

const block =
  /(?:<!-- setup\n(?<setup>[\s\S]*?)-->\n)?(?<compileOnly><!-- compile only: .*-->\n)?```ts\n(?<code>[\s\S]*?)^```$(?<after>(?:(?!^```ts$|^#|^<!-- (?:setup|compile only))[\s\S])*)/gm;

/** All blocks of TypeScript of a page. */
export function codeBlocks({ path, text }: Page): CodeBlock[] {
  return [...text.matchAll(block)].map((match) => {
    const { setup = '', compileOnly, code = '', after = '' } = match.groups ?? {};
    const line = text.slice(0, match.index + match[0].indexOf('```ts\n')).split('\n').length + 1;
    return {
      place: `${path}:${line}`,
      code,
      setup,
      runs: compileOnly === undefined,
      fileName: /^\/\/ ([\w-]+\.ts)/.exec(code)?.[1],
      output: /^```text\n([\s\S]*?)\n```$/m.exec(after)?.[1],
    };
  });
}
