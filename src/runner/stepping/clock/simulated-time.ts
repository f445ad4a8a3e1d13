import { idAt } from '../../../util/ids.ts';
import type { SimulatedTime } from '../../../util/time.ts';

/** Returns the time of a tick for one application or command. Its ids are determined by the seed and their order. */
export function timeOfTick(timeMs: number, seed: string): SimulatedTime {
  let ids = 0;
  return {
    now: () => timeMs,
    newId() {
      ids += 1;
      return idAt(timeMs, `${seed}\0${ids}`);
    },
  };
}
