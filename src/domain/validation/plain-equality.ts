/** Most objects and levels that are compared, so that cycles end. */
const maxObjects = 10_000;
const maxLevels = 100;

/**
 * Returns whether two values hold equal primitives in equal plain objects and arrays. Fast, and false where a closer
 * look is needed: for instances of other classes, cycles and large data.
 */
export function arePlainlyEqual(one: unknown, other: unknown): boolean {
  return new PlainComparison().areEqual(one, other, 1);
}

class PlainComparison {
  #left = maxObjects;

  areEqual(one: unknown, other: unknown, level: number): boolean {
    if (Object.is(one, other)) return true;
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
    this.#left -= 1;
    if (this.#left < 0 || level > maxLevels) return false;
    if (Array.isArray(one)) return Array.isArray(other) && this.#areElementsEqual(one, other, level + 1);
    const { prototype } = Object;
    if (Object.getPrototypeOf(one) !== prototype || Object.getPrototypeOf(other) !== prototype) return false;
    return this.#areFieldsEqual(one as Fields, other as Fields, level + 1);
  }

  #areElementsEqual(one: readonly unknown[], other: readonly unknown[], level: number): boolean {
    if (one.length !== other.length) return false;
    for (let index = 0; index < one.length; index += 1)
      if (!this.areEqual(one[index], other[index], level)) return false;
    return true;
  }

  #areFieldsEqual(one: Fields, other: Fields, level: number): boolean {
    let count = 0;
    for (const key in one) {
      if (!Object.hasOwn(other, key) || !this.areEqual(one[key], other[key], level)) return false;
      count += 1;
    }
    for (const _ in other) count -= 1;
    return count === 0;
  }
}

type Fields = Readonly<Record<string, unknown>>;
