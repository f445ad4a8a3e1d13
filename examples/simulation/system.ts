import { System } from 'kahn';
import { Airports } from '../flights/airports.ts';
import { Claims } from '../flights/claims.ts';
import { Flights } from '../flights/flights.ts';
import { Desk } from './desk.ts';

/** The system of examples/flights with a desk at which claims are paid. */
export const travelDay = System.of(
  [
    [Flights, Claims, Desk, Claims],
    [Flights, Airports],
  ],
  { module: import.meta.url },
);
