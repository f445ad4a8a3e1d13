import { instance } from '@viz-js/viz';
import type { SystemGraph } from 'kahn';

/** Mid-tones that are readable on white and on dark pages. */
const line = '#6b7a99';
const box = { fill: '#eaf1fd', line: '#4a7bd0', text: '#17335f' };
const fontname = 'Helvetica,Arial,sans-serif';

/** Draws a system: applications as boxes, and an arrow to each follower with the events that it handles. */
export async function graphSvg(title: string, { nodes, edges }: SystemGraph): Promise<string> {
  const viz = await instance();
  const svg = viz.renderString(
    {
      directed: true,
      graphAttributes: { rankdir: 'LR', bgcolor: 'transparent', nodesep: 0.5, ranksep: 0.9, pad: 0.15 },
      nodeAttributes: {
        shape: 'box',
        style: 'rounded,filled',
        fillcolor: box.fill,
        color: box.line,
        fontcolor: box.text,
        fontname,
        fontsize: 15,
        penwidth: 1.5,
        margin: '0.28,0.14',
      },
      edgeAttributes: { color: line, fontcolor: line, fontname, fontsize: 11, arrowsize: 0.8, penwidth: 1.3 },
      nodes: nodes.map(({ name }) => ({ name })),
      edges: edges.map(({ upstream, downstream, eventTypes }) => ({
        tail: upstream,
        head: downstream,
        attributes: { label: eventTypes.map((type) => `  ${type}  `).join('\n') },
      })),
    },
    { format: 'svg' },
  );
  // Removes the prolog and the comments, which name the version of the tool, and adds a title for screen readers.
  const drawing = svg.slice(svg.indexOf('<svg')).replaceAll(/<!--.*?-->\n/gs, '');
  return drawing.replace('>\n', `>\n<title>${title}</title>\n`);
}
