/** Returns how many items at the start of an ascending list have keys up to `bound`. */
export function countUpTo<T>(list: readonly T[], bound: number, keyOf: (item: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(list[middle] as T) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Inserts an item into an ascending list, in place of an item with the same key. */
export function putSorted<T>(list: T[], item: T, keyOf: (item: T) => number): void {
  const end = countUpTo(list, keyOf(item), keyOf);
  const previous = list[end - 1];
  const isSame = previous !== undefined && keyOf(previous) === keyOf(item);
  list.splice(isSame ? end - 1 : end, isSame ? 1 : 0, item);
}
