/**
 * Makes every use of an object throw, except reading its class and some fields. Fields that are #private cannot be
 * reset, so an object with a wrong state is refused instead of repaired.
 *
 * @param readable Names of the fields that can still be read.
 */
export function refuseEveryUse(
  object: object,
  errorOf: () => Error,
  readable: readonly string[] = ['id'],
): void {
  const fail = (): never => {
    throw errorOf();
  };
  for (const key of Object.keys(object)) {
    if (!readable.includes(key)) Reflect.defineProperty(object, key, { get: fail, set: fail });
  }
  const prototype = Object.getPrototypeOf(object) as object;
  const refusing = new Proxy(Object.create(prototype) as object, {
    get: (target, key) => (isOpen(key) ? Reflect.get(target, key, object) : fail()),
    set: fail,
  });
  Reflect.setPrototypeOf(object, refusing);
}

/** Whether a property tells nothing about the state. A promise reads `then` of the object that it resolves with. */
function isOpen(key: string | symbol): boolean {
  return typeof key === 'symbol' || key === 'constructor' || key === 'then';
}
