import type { AirportFigures, Figures } from './figures.ts';
import type { FlightRecord } from './flight-record.ts';

/** Computes the figures in one pass over the records, sharing nothing with the system: what it must come to. */
export function directPass(records: readonly FlightRecord[]): Figures {
  const owed = records.filter(({ delay }) => delay >= 180).map(({ distance }) => bandOf(distance * 1.609344));
  const eurosPaid = owed.reduce((sum, euros) => sum + euros, 0);
  const claims = new Map(
    [250, 400, 600].map((band) => [band, owed.filter((euros) => euros === band).length]),
  );
  return {
    flights: records.length,
    claims,
    closedClaims: owed.length,
    payouts: owed.length,
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
