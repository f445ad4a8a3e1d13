/** What Regulation (EC) 261/2004 grants a passenger, in euro. */
export type Compensation = 250 | 400 | 600;

/** An arrival this late counts like a cancelled flight. */
const minDelayMinutes = 180;

/** The compensation for a flight that arrived late; undefined if it was not late enough. */
export function compensationFor(delayMinutes: number, distanceKm: number): Compensation | undefined {
  if (delayMinutes < minDelayMinutes) return undefined;
  if (distanceKm <= 1_500) return 250;
  return distanceKm <= 3_500 ? 400 : 600;
}
