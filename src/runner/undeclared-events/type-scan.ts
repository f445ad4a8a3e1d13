import { performance } from 'node:perf_hooks';
import type { Recorder } from '../../storage/recorder.ts';

/** Time that the count of one part of the events should take, in ms: a file is read in this thread. */
const partMs = 4;
/** Fewest, first and most events of a part. */
const [fewest, first, most] = [100, 1_000, 50_000];
/** Most undeclared types that are counted. */
const maxTypes = 100;

/**
 * Counts the events of a pipeline whose type is not declared, by type. At most 100 types are counted.
 *
 * @param rest Waits between two parts, given the duration of the last one in ms.
 */
export async function countUndeclared(
  recorder: Pick<Required<Recorder>, 'countTypes'>,
  pipelineId: number,
  declared: ReadonlySet<string>,
  rest: (ms: number) => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const undeclared = new Map<string, number>();
  let after: number | undefined = Number.MIN_SAFE_INTEGER;
  let limit = first;
  while (after !== undefined) {
    const started = performance.now();
    const { counts, last } = await recorder.countTypes(pipelineId, after, limit);
    const ms = performance.now() - started;
    for (const [type, count] of counts) {
      const isCounted = undeclared.has(type) || undeclared.size < maxTypes;
      if (isCounted && !declared.has(type)) undeclared.set(type, (undeclared.get(type) ?? 0) + count);
    }
    const isLast = sumOf(counts.values()) < limit;
    after = isLast ? undefined : last;
    if (ms < partMs / 2) limit = Math.min(limit * 2, most);
    if (ms > partMs) limit = Math.max(Math.floor(limit / 2), fewest);
    if (!isLast) await rest(ms);
  }
  return undeclared;
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const one of numbers) sum += one;
  return sum;
}
