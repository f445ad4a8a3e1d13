import { writeFile } from 'node:fs/promises';
import { airTravel } from '../examples/flights/system.ts';
import { graphSvg } from './graph-svg.ts';

const svg = await graphSvg('The applications of examples/flights', airTravel.graph);
await writeFile(new URL('../docs/flights.svg', import.meta.url), svg);
