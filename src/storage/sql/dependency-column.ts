import type { LogPlace } from '../stored-event.ts';

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

/** Returns the dependencies that {@link dependenciesText} encoded. Throws if the text is damaged. */
export function dependenciesOf(text: string): readonly LogPlace[] {
  const rows: unknown = JSON.parse(text);
  if (Array.isArray(rows) && rows.every(isPlaceRow)) return placesOf(rows);
  throw new Error(`its dependencies are ${text}`);
}

function isPlaceRow(row: unknown): row is PlaceRow {
  return Array.isArray(row) && row.length === 2 && row.every(Number.isSafeInteger);
}
