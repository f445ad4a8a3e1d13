import { idAt } from '../../../util/ids.ts';
import type { SimulatedTime } from '../../../util/time.ts';

/** The time of one tick, for one application or for commands: ids made in it follow from `seed` and their order. */
export function timeOfTick(ms: number, seed: string): SimulatedTime {
  let ids = 0;
  return {
    now: () => ms,
    newId() {
      ids += 1;
      return idAt(ms, `${seed}\0${ids}`);
    },
  };
}
