import type { Cause } from '../../../domain/provenance.ts';
import type { Recorder } from '../../../storage/recorder.ts';
import { readParked } from '../../parking/parked-set.ts';

/** What is known of a log of another pipeline. */
interface KnownLog {
  /** Lower bound of the position: positions only grow. */
  readonly position: number;
  /** Notifications up to the position that may still be parked. */
  readonly parked: ReadonlySet<number>;
}

const noneParked: ReadonlySet<number> = new Set();

/** What an application has processed in other pipelines, in the logs of its upstreams. */
export class OtherPipelines {
  readonly #recorder: Recorder;
  /** Whether the application parks nothing, and no earlier version has left anything parked. */
  #parksNothing: boolean | undefined;
  readonly #logs = new Map<string, KnownLog>();

  /** @param mayPark Whether the application parks notifications. */
  constructor(recorder: Recorder, mayPark: boolean) {
    this.#recorder = recorder;
    if (mayPark) this.#parksNothing = false;
  }

  /** Forgets what was read: the storage may have been restored from an older copy. */
  forget(): void {
    this.#logs.clear();
    if (this.#parksNothing) this.#parksNothing = undefined;
  }

  /** Whether memory suffices to see that a notification is processed: it is behind the position, and not parked. */
  isProcessed(place: Cause): boolean {
    const log = this.#logs.get(keyOf(place));
    return log !== undefined && log.position >= place.notificationId && !log.parked.has(place.notificationId);
  }

  /** Reads what is processed of the log of a notification. */
  async read(place: Cause): Promise<void> {
    const { applicationName, pipelineId } = place;
    const { position } = await this.#recorder.position(pipelineId, applicationName);
    // After the position: whatever is parked up to it was parked together with it.
    this.#logs.set(keyOf(place), { position, parked: await this.#parkedOf(place) });
  }

  async #parkedOf({ applicationName, pipelineId }: Cause): Promise<ReadonlySet<number>> {
    this.#parksNothing ??= ((await this.#recorder.countParked?.()) ?? []).length === 0;
    if (this.#parksNothing) return noneParked;
    const parked = new Set<number>();
    for await (const { notificationId } of readParked(this.#recorder, pipelineId, applicationName))
      parked.add(notificationId);
    return parked;
  }
}

function keyOf({ applicationName, pipelineId }: Cause): string {
  return `${pipelineId} ${applicationName}`;
}
