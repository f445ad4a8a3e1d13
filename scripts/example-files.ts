import { readFileSync } from 'node:fs';

const file = /(<!-- file: (\S+) -->\n)[\s\S]*?(<!-- \/file -->)/g;

/** Returns the page with its files replaced by those in the repository. */
export function withExampleFiles(markdown: string): string {
  return markdown.replaceAll(file, (_, begin: string, path: string, end: string) => {
    const code = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
    return `${begin}\`\`\`typescript\n${code}\`\`\`\n${end}`;
  });
}
