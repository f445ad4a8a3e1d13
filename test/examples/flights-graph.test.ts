import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { airTravel } from '../../examples/flights/system.ts';
import { graphSvg } from '../../scripts/graph-svg.ts';

test('docs/flights.svg shows the current system (`npm run draw` updates it)', async () => {
  const drawn = readFileSync(new URL('../../docs/flights.svg', import.meta.url), 'utf8');
  expect(drawn).toBe(await graphSvg('The applications of examples/flights', airTravel.graph));
});
