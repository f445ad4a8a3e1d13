import type { FlightRecord } from '../flight-record.ts';
import type { AirportFigures, Figures } from './figures.ts';

/** Computes the expected figures in one pass over the records, without any code of the system. */
export function directPass(records: readonly FlightRecord[]): Figures {
  const compensations = records
    .filter(({ delay }) => delay >= 180)
    .map(({ distance }) => bandOf(distance * 1.609344));
  const eurosPaid = compensations.reduce((sum, euros) => sum + euros, 0);
  const claims = new Map(
    [250, 400, 600].map((band) => [band, compensations.filter((euros) => euros === band).length]),
  );
  return {
    flights: records.length,
    claims,
    closedClaims: compensations.length,
    payouts: compensations.length,
    eurosPaid,
    airports: airportsIn(records),
  };
}

function bandOf(km: number): number {
  if (km > 3_500) return 600;
  return km > 1_500 ? 400 : 250;
}

function airportsIn(records: readonly FlightRecord[]): Map<string, AirportFigures> {
  const departing = Map.groupBy(records, ({ origin }) => origin);
  const arriving = Map.groupBy(records, ({ destination }) => destination);
  const airports = new Map<string, AirportFigures>();
  for (const code of new Set([...departing.keys(), ...arriving.keys()])) {
    if (code === undefined) continue;
    const delays = (arriving.get(code) ?? []).map(({ delay }) => delay);
    airports.set(code, {
      departures: departing.get(code)?.length ?? 0,
      arrivals: delays.length,
      delayMinutes: delays.reduce((sum, delay) => sum + delay, 0),
      worstDelayMinutes: delays.toSorted((a, b) => a - b).at(-1),
    });
  }
  return airports;
}
