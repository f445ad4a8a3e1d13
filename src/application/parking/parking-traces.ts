import type { Recorder } from '../../storage/recorder.ts';
import { ControlLog } from '../control/control-log.ts';
import { LateEffects } from './late-effects.ts';

/**
 * What an application has parked, and what it has processed late, for callers that wait for it. If its class parks nothing
 * now, an earlier version may have done so: storage is asked once.
 */
export class ParkingTraces {
  static readonly #traces = new WeakMap<Recorder, ParkingTraces>();
  readonly #recorder: Recorder;
  readonly #control: ControlLog;
  readonly #late: LateEffects;
  /** Whether something may be parked or late; undefined until storage was asked. */
  #mayExist: boolean | undefined;

  private constructor(recorder: Recorder, mayPark: boolean) {
    this.#recorder = recorder;
    this.#control = ControlLog.of(recorder);
    this.#late = new LateEffects(recorder);
    if (mayPark) this.#mayExist = true;
  }

  /**
   * Returns the traces of an application, by its recorder.
   *
   * @param mayPark Whether its class parks notifications.
   */
  static of(recorder: Recorder, mayPark: boolean): ParkingTraces {
    const traces = ParkingTraces.#traces.get(recorder) ?? new ParkingTraces(recorder, mayPark);
    ParkingTraces.#traces.set(recorder, traces);
    return traces;
  }

  /** The late effects, as far as is known; undefined if the application has parked nothing. */
  get late(): LateEffects | undefined {
    const { lastRetryId, restores } = this.#control;
    if (lastRetryId > 0 || restores > 0) this.#mayExist = true;
    return this.#mayExist ? this.#late : undefined;
  }

  /** Returns the late effects, or undefined if the application has parked nothing. Asks storage if that is not known. */
  async find(): Promise<LateEffects | undefined> {
    if (this.#mayExist === undefined) {
      await this.#control.refresh();
      const counts = (await this.#recorder.countParked?.()) ?? [];
      this.#mayExist = counts.length > 0;
    }
    return this.late;
  }
}
