import type { LogPlace } from '../stored-event.ts';
import { DamagedColumn } from './damage.ts';

/** Places as storage keeps them, without the names of their fields. */
export type PlaceRow = readonly [pipelineId: number, notificationId: number];

export function rowsOfPlaces(places: readonly LogPlace[]): readonly PlaceRow[] {
  return places.map(({ pipelineId, notificationId }) => [pipelineId, notificationId]);
}

export function placesOf(rows: readonly PlaceRow[]): readonly LogPlace[] {
  return rows.map(([pipelineId, notificationId]) => ({ pipelineId, notificationId }));
}

/** The dependencies of an event as a column of a table: JSON such as [[0,12],[2,5]], or null if it has none. */
export function dependenciesText(dependencies: readonly LogPlace[] | undefined): string | null {
  return dependencies === undefined ? null : JSON.stringify(rowsOfPlaces(dependencies));
}

/**
 * Returns the dependencies that {@link dependenciesText} encoded.
 *
 * @throws {@link DamagedColumn} if they cannot be decoded.
 */
export function dependenciesOf(column: unknown): readonly LogPlace[] {
  const rows = parsed(column);
  if (!Array.isArray(rows) || !rows.every(isPlaceRow)) throw new DamagedColumn('dependencies', column);
  return placesOf(rows);
}

function parsed(column: unknown): unknown {
  try {
    return JSON.parse(String(column));
  } catch (cause) {
    throw new DamagedColumn('dependencies', column, { cause });
  }
}

function isPlaceRow(row: unknown): row is PlaceRow {
  return Array.isArray(row) && row.length === 2 && row.every(Number.isSafeInteger);
}
