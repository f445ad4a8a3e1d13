/** Mark on the prototypes of kahn's classes, which all copies of kahn in a process read. */
const mark = Symbol.for('kahn.class');
/** Identifies this copy of kahn. */
const thisCopy: object = {};

interface Mark {
  readonly name: string;
  readonly copy: object;
}

/** Marks a class, so that another copy of kahn can name its instances and subclasses in messages. */
export function markClass(type: { readonly name: string; readonly prototype: object }): void {
  markAs(type.name, type.prototype);
}

/** Marks an object or a function, so that another copy of kahn can name it in messages. */
export function markAs(name: string, value: object): void {
  const marked: Mark = { name, copy: thisCopy };
  Object.defineProperty(value, mark, { value: marked });
}

/**
 * Describes an instance or a subclass that belongs to another copy of kahn, as in "an Aggregate of another copy of
 * kahn: …", with the remedy. Returns undefined for all other values.
 */
export function kindInOtherCopy(value: unknown): string | undefined {
  const found = markOn(value) ?? (typeof value === 'function' ? markOn(value.prototype) : undefined);
  if (found === undefined || found.copy === thisCopy) return undefined;
  const article = /^[AEIOU]/.test(found.name) ? 'an' : 'a';
  return `${article} ${found.name} of another copy of kahn: run \`npm ls kahn\`, and keep one copy`;
}

function markOn(value: unknown): Mark | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return (value as { readonly [mark]?: Mark })[mark];
}
