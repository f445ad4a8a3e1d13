import fc from 'fast-check';

const anyString = fc.oneof(
  fc.string(),
  // Any code units, including NUL and lone surrogates.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

const anyKey = fc.oneof(
  anyString,
  fc.constantFrom('__proto__', 'constructor', '$kahn', 'value', '', '0', '10', 'toJSON', 'length'),
);

const leaf = fc.oneof(
  anyString,
  fc.constantFrom(null, undefined, true, false, 0, -0, '$kahn', Number.MAX_VALUE, Number.MIN_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 8 }),
);

/** Everything a transcoder without custom types accepts. */
export const anyData: fc.Arbitrary<unknown> = fc.letrec<{ data: unknown }>((tie) => {
  const data = tie('data');
  const options = { maxLength: 5 };
  return {
    data: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      fc.array(data, options),
      fc.array(fc.tuple(anyKey, data), options).map((entries) => Object.fromEntries(entries)),
      fc.array(fc.tuple(fc.oneof(anyKey, data), data), options).map((entries) => new Map(entries)),
      fc.array(data, options).map((members) => new Set(members)),
    ),
  };
}).data;

/** Whether two values are equal in everything: types, -0, the order of keys and members, undefined fields. */
export function identical(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [partsOfA, partsOfB] = [partsOf(a), partsOf(b)];
  return partsOfA.length === partsOfB.length && partsOfA.every((part, i) => identical(part, partsOfB[i]));
}

function partsOf(value: object): unknown[] {
  const fields = Reflect.ownKeys(value).flatMap((key) => [key, (value as Record<PropertyKey, unknown>)[key]]);
  if (value instanceof Date) return [...fields, value.getTime()];
  if (value instanceof Map) return [...fields, ...[...value].flat()];
  if (value instanceof Set) return [...fields, ...value];
  return fields;
}

/** Whether every plain object and array in a value is frozen. */
export function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return (!plain || Object.isFrozen(value)) && partsOf(value).every(isDeepFrozen);
}

/** Nests something `levels` times. */
export function nested(levels: number, wrap: (inner: unknown) => unknown, innermost: unknown): unknown {
  let value = innermost;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}
