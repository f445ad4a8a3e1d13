/** Something that happened to an aggregate at a version; lists of these ascend by version, gaps allowed. */
interface Versioned {
  readonly originatorVersion: number;
}

/** How many items at the start of the list have versions up to `version`. */
export function lengthUpTo(list: readonly Versioned[], version: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.originatorVersion ?? Infinity) <= version) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts the item in its place, unless the list has its version already. */
export function insertByVersion<T extends Versioned>(list: T[], item: T): boolean {
  const version = item.originatorVersion;
  if (version > (list.at(-1)?.originatorVersion ?? -Infinity)) {
    list.push(item);
    return true;
  }
  const index = lengthUpTo(list, version);
  if (list[index - 1]?.originatorVersion === version) return false;
  list.splice(index, 0, item);
  return true;
}
