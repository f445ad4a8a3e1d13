/** Compares names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Sorts what belongs to upstreams by pipeline, then by the UTF-8 bytes of the upstream's name, as databases do. */
export function inOrder<T extends { readonly pipelineId: number; readonly upstreamName: string }>(
  items: readonly T[],
): T[] {
  return items.toSorted(
    (a, b) => a.pipelineId - b.pipelineId || compareNames(a.upstreamName, b.upstreamName),
  );
}
