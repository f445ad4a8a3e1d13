import { nearestOf } from '../util/nearest-name.ts';
import { InvalidApplicationError } from './errors.ts';

/** Largest share of letters in which a property is taken for another one. */
const maxDifference = 0.2;

/** @throws {@link InvalidApplicationError} if a static property is not known and almost spelt like one that is. */
export function assertNoneMisspelt(declaration: { readonly name: string }, known: readonly string[]): void {
  for (const property of staticPropertiesOf(declaration)) {
    if (known.includes(property)) continue;
    const nearest = nearestOf(property, known, maxDifference);
    if (nearest === undefined) continue;
    throw new InvalidApplicationError(
      `Class ${declaration.name || '(anonymous)'} has a static property '${property}', which nothing reads. Did you mean ` +
        `'${nearest}'? If not, give yours a name that is less like it.`,
    );
  }
}

/** Returns the names of the static properties of a class and its base classes that hold data. */
function staticPropertiesOf(declaration: object): readonly string[] {
  const names: string[] = [];
  for (let one = declaration; typeof one === 'function'; one = Object.getPrototypeOf(one) as object) {
    const properties = Object.entries(Object.getOwnPropertyDescriptors(one));
    for (const [name, { value }] of properties) if (typeof value !== 'function') names.push(name);
  }
  return names;
}
