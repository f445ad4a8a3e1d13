// A system that parks notifications. Threads and processes import it from here.
import { System } from 'kahn';
import { JammedError, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

/** Prints a label for each parcel whose number is no multiple of three. */
export class JammingLabels extends Labels {
  static override readonly meanwhile = (number: number): void => {
    if (number % 3 === 0) throw new JammedError(`number ${number}`);
  };
}

export const parking = System.of([[Parcels, JammingLabels]], { module: import.meta.url, name: 'parking' });
