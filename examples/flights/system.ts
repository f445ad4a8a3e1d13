import { System } from 'kahn';
import { Airports } from './airports.ts';
import { Claims } from './claims.ts';
import { Flights } from './flights.ts';
import { Payouts } from './payouts.ts';

/** Claims and pays the compensation for late flights, and adds up the delays of every airport. */
export const airTravel = System.of(
  [
    [Flights, Claims, Payouts, Claims],
    [Flights, Airports],
  ],
  { module: import.meta.url },
);
