import { type DisplayNode, type DisplayTree, typeText } from './display-tree.ts';
import { relativeTime } from './relative-time.ts';

/** Draws a tree as a Mermaid flowchart, in which the explained event has a thick border and remarks a dashed one. */
export function mermaidOf({ root, start }: DisplayTree): string {
  const nodes: string[] = [];
  const edges: string[] = [];
  const visit = (node: DisplayNode, parent?: string) => {
    const id = `n${nodes.length}`;
    nodes.push(`  ${id}["${labelOf(node, start)}"]${classOf(node)}`);
    if (parent !== undefined) edges.push(`  ${parent} --> ${id}`);
    for (const child of node.children) visit(child, id);
  };
  visit(root);
  const classes = ['  classDef explained stroke-width:4px', '  classDef remark stroke-dasharray:4'];
  return ['flowchart TD', ...nodes, ...edges, ...classes, ''].join('\n');
}

function labelOf({ label, event, note }: DisplayNode, start: number): string {
  const lines =
    event === undefined ? [label] : [label, typeText(event), relativeTime(event.timestamp - start)];
  return [...lines, ...(note === undefined ? [] : [note])].map(escaped).join('<br/>');
}

function classOf({ event, isExplained }: DisplayNode): string {
  if (event === undefined) return ':::remark';
  return isExplained ? ':::explained' : '';
}

/** Writes everything but letters, digits and plain punctuation as character codes of Mermaid. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,:+()…-]/gu, (character) => `#${character.codePointAt(0)};`);
}
