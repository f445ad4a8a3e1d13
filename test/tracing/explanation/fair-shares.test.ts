import { expect, test } from 'vitest';
import { fairShares } from '../../../src/tracing/explanation/fair-shares.ts';

test.each([
  { sizes: [], limit: 5, shares: [] },
  { sizes: [2, 3], limit: 5, shares: [2, 3] },
  { sizes: [1_000, 2, 1], limit: 10, shares: [7, 2, 1] },
  { sizes: [1_000, 1_000, 1], limit: 10, shares: [5, 4, 1] },
  { sizes: [1, 1, 1], limit: 2, shares: [1, 1, 0] },
  { sizes: [3, 2], limit: 0, shares: [0, 0] },
])('divides $limit among $sizes as $shares', ({ sizes, limit, shares }) => {
  expect(fairShares(sizes, limit)).toEqual(shares);
});
