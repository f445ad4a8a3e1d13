import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryBounds } from '../../src/application/memory-bounds.ts';
import { limits } from '../../src/storage/limits.ts';

test.for(Object.entries({ ...limits, ...memoryBounds }))(
  'docs/limits.md states the bound of %s',
  ([, bound]) => {
    const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
    expect(page).toContain(bound.toLocaleString('en-US'));
  },
);
