import { expect, test } from 'vitest';
import { shop } from '../../examples/shop/shop.ts';
import { intermediatesOf, type SystemGraph } from '../../src/system/graph.ts';

/** Makes a graph from pipelines such as 'a b c': b follows a, c follows b. */
function graphOf(...pipelines: readonly string[]): SystemGraph {
  const lists = pipelines.map((pipeline) => pipeline.split(' '));
  return {
    nodes: [...new Set(lists.flat())].sort().map((name) => ({ name, emits: [] })),
    edges: lists.flatMap((list) =>
      list.slice(1).map((downstream, i) => ({ upstream: list[i]!, downstream, eventTypes: [] })),
    ),
  };
}

test.each([
  ['a chain', ['a b c d'], 'd', []],
  ['a source', ['a b d', 'a d'], 'a', []],
  ['a diamond whose applications are all followed', ['a b d', 'a d'], 'd', []],
  ['a diamond of depth three', ['a x y c d', 'a d'], 'd', ['x', 'y']],
  ['two paths', ['a x c d', 'a y c', 'a d'], 'd', ['x', 'y']],
  ['a path that begins in no followed log', ['z x c d', 'a c', 'a d'], 'd', []],
  ['a path that ends in no followed log', ['a x y', 'a c d', 'a d'], 'd', []],
  ['a path through a followed log', ['a b x c d', 'b d'], 'd', ['x']],
  ['paths through the application itself only', ['a d x c d'], 'd', []],
  ['an application that follows itself', ['d x c d', 'd d'], 'd', ['x']],
  ['a cycle back to the same log', ['a x a d', 'b d'], 'd', []],
  ['a cycle of two logs', ['a x b y a', 'a d', 'b d'], 'd', ['x', 'y']],
  ['intermediates that follow each other', ['a x y x c d', 'a d'], 'd', ['x', 'y']],
  ['an intermediate of one upstream beside a cycle of another', ['a x a', 'x c d', 'a d'], 'd', ['x']],
  ['an application without edges', ['a b', 'd'], 'd', []],
])('the intermediates in %s', (_, pipelines, name, expected) => {
  expect(intermediatesOf(graphOf(...pipelines), name)).toEqual(expected);
});

test('no application of the shop has intermediates', () => {
  for (const { name } of shop.graph.nodes) expect(intermediatesOf(shop.graph, name)).toEqual([]);
});
