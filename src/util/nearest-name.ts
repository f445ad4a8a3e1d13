/**
 * Returns the known name that is most similar to a misspelt one, or undefined if no name is close.
 *
 * @param maxDifference Largest share of letters in which similar names differ.
 */
export function nearestOf(
  name: string,
  known: readonly string[],
  maxDifference: number = 0.4,
): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= maxDifference * Math.max(name.length, candidate.length))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.candidate;
}

/** Number of letters to add, remove or change (Levenshtein 1965; Wagner and Fischer 1974). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let k = 1; k <= to.length; k += 1) {
      const replaced = (row[k - 1] ?? 0) + (letter === to[k - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[k] ?? 0) + 1, (next[k - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
