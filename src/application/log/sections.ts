import { inspect } from 'node:util';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { InvalidPositionError } from './errors.ts';

/** A page of a notification log. A full section never changes. */
export interface Section<Item = StoredNotification> {
  /** First and last notification id that the section can hold, such as '1,20'. */
  readonly id: string;
  readonly items: readonly Item[];
  /** Id of the previous section; undefined for the first section. */
  readonly previousId: string | undefined;
  /** Id of the next section; undefined until this section is full. */
  readonly nextId: string | undefined;
}

/** Number of notifications in a full section, unless the application says otherwise. */
export const defaultSectionSize = 20;
/** Largest number of notifications in a section. */
export const largestSectionSize = 10_000;

export function isSectionSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= largestSectionSize;
}

/** Returns the id of the section that starts with a notification. */
export function sectionIdAt(first: number, size: number): string {
  return `${first},${first + size - 1}`;
}

/** Returns the id of the section that holds a notification. */
export function sectionIdOf(notificationId: number, size: number): string {
  return sectionIdAt(notificationId - ((notificationId - 1) % size), size);
}

/** Returns the section that starts with the notification `first`. */
export function sectionWith<Item extends { readonly id: number }>(
  first: number,
  size: number,
  items: readonly Item[],
): Section<Item> {
  return {
    id: sectionIdAt(first, size),
    items,
    previousId: first === 1 ? undefined : sectionIdAt(first - size, size),
    nextId: (items.at(-1)?.id ?? 0) < first + size - 1 ? undefined : sectionIdAt(first + size, size),
  };
}

/**
 * Returns the first notification of the section with an id such as '1,20'.
 *
 * @throws {@link InvalidPositionError} if there can be no section with this id.
 */
export function firstOfSection(applicationName: string, id: unknown, size: number): number {
  const first = typeof id === 'string' ? Number(id.split(',', 1)[0]) : Number.NaN;
  const isAligned = Number.isSafeInteger(first) && first >= 1 && (first - 1) % size === 0;
  if (isAligned && id === sectionIdAt(first, size)) return first;
  throw new InvalidPositionError(
    `The log of '${applicationName}' has no section ${inspect(id)}: ` +
      `use 'current' or ids such as '${sectionIdAt(1, size)}' and '${sectionIdAt(size + 1, size)}'.`,
  );
}
