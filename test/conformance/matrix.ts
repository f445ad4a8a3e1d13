import type { RunnerKind } from '../support/runners/every-runner.ts';
import type { ConformanceCase } from './cases/case.ts';

/** One way to run a case. */
export interface Combination {
  readonly tested: ConformanceCase;
  readonly kind: RunnerKind;
  readonly storageName: string;
  readonly pipelines: number;
  readonly batchSize: number;
  /** Why this way does not exist; undefined if it does. */
  readonly refusal: string | undefined;
}

export const storageNames = ['memory', 'sqlite', 'postgres'] as const;
export const batchSizes: readonly number[] = [1, 7, 500];
export const pipelineCounts: readonly number[] = [1, 2];

/** Returns all combinations of cases, runners, storages, numbers of pipelines and batch sizes. */
export function combinations(
  tested: readonly ConformanceCase[],
  kinds: readonly RunnerKind[],
): readonly Combination[] {
  return tested.flatMap((one) =>
    kinds.flatMap((kind) =>
      storageNames.flatMap((storageName) =>
        pipelineCounts.flatMap((pipelines) =>
          batchSizes.map((batchSize): Combination => {
            const refusal = refusalOf(one, kind, storageName, pipelines);
            return { tested: one, kind, storageName, pipelines, batchSize, refusal };
          }),
        ),
      ),
    ),
  );
}

/** Describes a combination in a line. */
export function nameOf({ tested, kind, storageName, pipelines, batchSize }: Combination): string {
  const count = pipelines === 1 ? '1 pipeline' : `${pipelines} pipelines`;
  return `${tested.name}, ${kind.name} on ${storageName}, ${count}, batches of ${batchSize}`;
}

function refusalOf(
  { hasRows }: ConformanceCase,
  { refuses, hasPipelines, hasThreads }: RunnerKind,
  storageName: string,
  pipelines: number,
): string | undefined {
  if (refuses.includes(storageName))
    return 'The followers run in other processes, which cannot reach the heap of this one.';
  if (pipelines > 1 && !hasPipelines) return 'The runner runs pipeline 0 only.';
  if (hasRows && hasThreads && storageName === 'memory')
    return 'The rows of `memory()` are on the heap of one thread.';
  return undefined;
}
