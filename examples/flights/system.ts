import { System } from 'kahn';
import { Airports } from './airports.ts';
import { Claims } from './claims.ts';
import { Flights } from './flights.ts';
import { Payouts } from './payouts.ts';

/** Every flight that arrives much too late is claimed and paid for, and every airport knows its delays. */
export const airTravel = System.of([
  [Flights, Claims, Payouts, Claims],
  [Flights, Airports],
]);
