import { detailsOf } from '../../application/control/operation-kinds.ts';
import { readOperations } from '../../application/control/read-operations.ts';
import { readParked } from '../../application/parking/parked-set.ts';
import type { PolicySetup } from '../../application/policy/policy-batch.ts';
import type { Recorder } from '../../storage/recorder.ts';

/** Notifications of an upstream that a policy did not handle, or on which it failed. */
export interface Unhandled {
  /** Whether a notification is before the beginning, or was passed by a move of the position. */
  isPassed(notificationId: number): boolean;
  /** Whether a notification is parked, or was discarded. */
  isParked(notificationId: number): boolean;
}

/** Reads which notifications a policy did not handle. */
export async function unhandledOf(
  { store, upstreamName }: PolicySetup,
  recorder: Recorder,
): Promise<Unhandled> {
  const { pipelineId } = store;
  const recordedName = store.recordedNameOf(upstreamName);
  const isHere = (details: { readonly pipelineId: number; readonly upstreamName: string }) =>
    details.pipelineId === pipelineId && details.upstreamName === recordedName;
  const passed: { readonly from: number; readonly to: number }[] = [];
  const parked = new Set<number>();
  for await (const page of readOperations(recorder)) {
    for (const operation of page) {
      const begun = detailsOf(operation, 'begin');
      const moved = detailsOf(operation, 'reset', 'reposition');
      const discarded = detailsOf(operation, 'discard');
      if (begun !== undefined && isHere(begun)) passed.push({ from: 0, to: begun.to });
      if (moved !== undefined && isHere(moved)) passed.push(moved);
      for (const one of discarded?.notifications ?? [])
        if (isHere({ pipelineId: discarded?.pipelineId ?? 0, ...one })) parked.add(one.notificationId);
    }
  }
  for await (const one of readParked(recorder, pipelineId, upstreamName)) parked.add(one.notificationId);
  return {
    isPassed: (id) => passed.some(({ from, to }) => id > from && id <= to),
    isParked: (id) => parked.has(id),
  };
}
