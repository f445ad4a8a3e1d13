import type { DeletedSubject, SubjectKeyTable } from '../../storage/subject-keys.ts';

const pageSize = 100;

/**
 * Reads the last deletion of a table, or one shortly before; undefined if there is none. Takes few reads for many
 * deletions.
 */
export async function lastDeleted(table: SubjectKeyTable): Promise<DeletedSubject | undefined> {
  const [first, ...others] = await table.deleted(0, pageSize);
  if (others.length < pageSize - 1) return others.at(-1) ?? first;
  let before = 0; // there are deletions behind this number
  let step = pageSize;
  while (await hasMore(table, before + step)) {
    before += step;
    step *= 2;
  }
  for (; step > pageSize; step /= 2) if (await hasMore(table, before + step / 2)) before += step / 2;
  return (await table.deleted(before, pageSize)).at(-1);
}

async function hasMore(table: SubjectKeyTable, after: number): Promise<boolean> {
  return (await table.deleted(after, 1)).length > 0;
}
