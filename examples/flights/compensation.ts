/** Compensation of a passenger under Regulation (EC) 261/2004, in euro. */
export type Compensation = 250 | 400 | 600;

/** Delay from which a flight counts as cancelled. */
const minDelayMinutes = 180;

/** Returns the compensation for a late flight; undefined if it was not late enough. */
export function compensationFor(delayMinutes: number, distanceKm: number): Compensation | undefined {
  if (delayMinutes < minDelayMinutes) return undefined;
  if (distanceKm <= 1_500) return 250;
  return distanceKm <= 3_500 ? 400 : 600;
}
