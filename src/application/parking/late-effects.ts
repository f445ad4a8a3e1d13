import { recordedNameIn } from '../../storage/layers/forwarding-recorder.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { detailsOf, type RetriedDetails } from '../control/operation-kinds.ts';
import { OperationReader } from '../control/operation-reader.ts';

/** Where the effects of a notification are that was processed after it had been parked. */
export interface LatePlace {
  readonly notificationId: number;
  /** Id in the follower's log behind which they are. */
  readonly after: number;
  /** Their number. */
  readonly effects: number;
}

/**
 * The notifications that an application has processed after it had parked them. Their effects stand behind effects of later
 * notifications.
 */
export class LateEffects {
  readonly #reader: OperationReader;
  readonly #recordedNameOf: (applicationName: string) => string;
  /** Places by upstream, pipeline and notification. */
  readonly #places = new Map<string, Map<number, LatePlace>>();

  constructor(recorder: Recorder) {
    this.#reader = new OperationReader(recorder, {
      apply: (operation) => {
        const retried = detailsOf(operation, 'retried');
        if (retried !== undefined) this.#add(retried);
      },
      restored: () => this.#places.clear(),
    });
    this.#recordedNameOf = (applicationName) => recordedNameIn(recorder, applicationName);
  }

  /** Reads the operations that were recorded since the last call. */
  load(): Promise<void> {
    return this.#reader.read();
  }

  /** Returns the late notifications of an upstream, by id. */
  of(upstreamName: string, pipelineId: number): ReadonlyMap<number, LatePlace> {
    return this.#places.get(keyOf(this.#recordedNameOf(upstreamName), pipelineId)) ?? noneLate;
  }

  #add({ upstreamName, pipelineId, notificationId, after, effects }: RetriedDetails): void {
    const key = keyOf(upstreamName, pipelineId);
    const places = this.#places.get(key) ?? new Map<number, LatePlace>();
    this.#places.set(key, places.set(notificationId, { notificationId, after, effects }));
  }
}

/** Shared by all logs without late notifications. */
export const noneLate: ReadonlyMap<number, LatePlace> = new Map();

function keyOf(recordedName: string, pipelineId: number): string {
  return `${pipelineId} ${recordedName}`;
}
