import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { allPages, root } from './pages.ts';

const pages = allPages();

test('every relative link leads to an existing file and heading', () => {
  const links = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(([, file = '', anchor]) => {
      const target = file === '' ? path : join(dirname(path), file);
      return { link: `${path} -> ${target}${anchor === undefined ? '' : `#${anchor}`}`, target, anchor };
    }),
  );
  const broken = links.filter(({ target, anchor }) => {
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !headingsOf(target).includes(anchor);
  });
  expect(links.length).toBeGreaterThan(40);
  expect(broken.map(({ link }) => link)).toEqual([]);
});

test('pages of the package link to files of the package only', () => {
  const inPackage = (file: string) =>
    packageJson.files.some((packed) => file === packed || file.startsWith(`${packed}/`));
  const links = pages
    .filter(({ path }) => inPackage(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, file = '']) => join(dirname(path), file)),
    );
  expect(links.length).toBeGreaterThan(40);
  expect(links.filter((file) => !inPackage(file.replace(/\/$/, '')) && file !== 'docs')).toEqual([]);
});

test('every path of the repository that a page names exists', () => {
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:src|test|docs|examples|bench|scripts|\.ci)\/[\w./*{},-]*)`/g)].map(
      ([, name = '']) => ({
        path,
        name,
      }),
    ),
  );
  const missing = named.filter(({ name }) => globSync(name, { cwd: root }).length === 0);
  expect(named.length).toBeGreaterThan(40);
  expect(missing.map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});

test('CONTRIBUTING names every room of src/', () => {
  const text = pages.find(({ path }) => path === 'CONTRIBUTING.md')?.text ?? '';
  const rooms = globSync('src/**/', { cwd: root }).map((room) => `${room.replace(/\/$/, '')}/`);
  const parents = ['src/', 'src/actors/', 'src/tracing/'];
  expect(rooms.length).toBeGreaterThan(20);
  expect(rooms.filter((room) => !parents.includes(room) && !text.includes(`\`${room}\``))).toEqual([]);
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(page: string): string[] {
  const text = pages.find(({ path }) => path === page)?.text ?? '';
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
