import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { localRunners, restateKind } from '../support/runners/every-runner.ts';
import { cases } from './cases/cases.ts';
import { combinations } from './matrix.ts';
import { pageOf } from './page.ts';

const noEngine = restateKind(() => {
  throw new Error('No engine is started.');
});

test('docs/conformance.md shows all combinations: run `npm run conformance` after a change', () => {
  const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  expect(page).toBe(pageOf(combinations(cases, [...localRunners, noEngine])));
});
