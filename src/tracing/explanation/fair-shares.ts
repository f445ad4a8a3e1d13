/**
 * Divides a limit among groups: each gets its whole size or an equal share of what is left, so that a large group
 * leaves room for small ones.
 */
export function fairShares(sizes: readonly number[], limit: number): readonly number[] {
  const shares = sizes.map(() => 0);
  const ascending = [...sizes.keys()].sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  let left = limit;
  for (const [rank, index] of ascending.entries()) {
    const share = Math.min(sizes[index] ?? 0, Math.ceil(left / (sizes.length - rank)));
    shares[index] = share;
    left -= share;
  }
  return shares;
}
