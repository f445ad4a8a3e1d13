import { type DisplayNode, type DisplayTree, typeText } from './display-tree.ts';
import { relativeTime } from './relative-time.ts';

const longestLine = 100;
const longestShortId = 12;

/** A node with the lines of the tree in front of it. */
interface Row {
  readonly node: DisplayNode;
  readonly branches: string;
}

/** How wide a tree is drawn. */
interface Layout {
  /** Columns by which each level is indented. */
  readonly indent: 1 | 2 | 3;
  readonly aggregates: 'whole' | 'short' | 'hidden';
}

/** From the most readable layout to the narrowest. */
const layouts: readonly Layout[] = [
  { indent: 3, aggregates: 'whole' },
  { indent: 3, aggregates: 'short' },
  { indent: 2, aggregates: 'short' },
  { indent: 2, aggregates: 'hidden' },
  { indent: 1, aggregates: 'hidden' },
];

/** Draws a tree for a terminal, in the first layout whose lines fit into 100 columns. */
export function textOf(tree: DisplayTree): string {
  let lines: readonly string[] = [];
  for (const layout of layouts) {
    lines = linesOf(tree, layout);
    if (lines.every(({ length }) => length <= longestLine)) break;
  }
  return [headingOf(tree), '', ...lines, ''].join('\n');
}

function headingOf({ root, correlationId, start }: DisplayTree): string {
  const correlation =
    correlationId === undefined ? 'no correlation id' : `correlation id ${printable(correlationId)}`;
  const origin = root.note === undefined ? [] : [root.note];
  return [`From ${new Date(start).toISOString()}`, ...origin, correlation].join(', ');
}

function linesOf({ root, start }: DisplayTree, layout: Layout): readonly string[] {
  const rows = rowsOf(root, layout.indent);
  const cells = rows.map(({ node, branches }) => cellsOf(node, branches, start, layout));
  const widths = [0, 1, 2].map((column) => widest(cells.map((row) => row[column] ?? '')));
  return rows.map(({ node, branches }, i) => {
    const mark = node.isExplained ? '▶ ' : '  ';
    if (node.event === undefined) return `${mark}${branches}${printable(node.label)}`;
    const [place = '', type = '', time = '', aggregate = ''] = cells[i] ?? [];
    const [placeWidth = 0, typeWidth = 0, timeWidth = 0] = widths;
    const columns = [place.padEnd(placeWidth), type.padEnd(typeWidth), time.padStart(timeWidth), aggregate];
    return `${mark}${columns.join('  ').trimEnd()}`;
  });
}

/** Place, type, time and aggregate of an event; nothing for a remark. */
function cellsOf(
  { event, label }: DisplayNode,
  branches: string,
  start: number,
  { aggregates }: Layout,
): readonly string[] {
  if (event === undefined) return [];
  const { timestamp, originatorId, originatorVersion } = event;
  return [
    branches + printable(label),
    printable(typeText(event)),
    relativeTime(timestamp - start),
    aggregates === 'hidden' ? '' : `${shownId(originatorId, aggregates)} v${originatorVersion}`,
  ];
}

function shownId(id: string, form: 'whole' | 'short'): string {
  const whole = printable(id);
  return form === 'whole' || whole.length <= longestShortId ? whole : `…${whole.slice(1 - longestShortId)}`;
}

/** Returns the nodes from top to bottom. */
function rowsOf(root: DisplayNode, indent: 1 | 2 | 3): readonly Row[] {
  const corner = { 1: '└', 2: '└ ', 3: '└─ ' }[indent];
  const fork = { 1: '├', 2: '├ ', 3: '├─ ' }[indent];
  const line = '│'.padEnd(indent);
  const gap = ' '.repeat(indent);
  const rows: Row[] = [];
  const visit = (node: DisplayNode, branches: string, below: string) => {
    rows.push({ node, branches });
    for (const [i, child] of node.children.entries()) {
      const isLast = i === node.children.length - 1;
      visit(child, below + (isLast ? corner : fork), below + (isLast ? gap : line));
    }
  };
  visit(root, '', '');
  return rows;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, { length }) => Math.max(width, length), 0);
}

/** Replaces control characters, which a caller may have put into an id and a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\uFFFD');
}
