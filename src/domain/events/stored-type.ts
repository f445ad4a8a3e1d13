/** A type of events and the version of their data. */
export interface VersionedType {
  readonly name: string;
  readonly version: number;
}

const versioned = /^(.+)@([1-9]\d*)$/su;

/** Returns the type as which events of a version are recorded: `Order.Placed` for version 1, `Order.Placed@2` for 2. */
export function storedTypeOf(name: string, version: number): string {
  return version === 1 ? name : `${name}@${version}`;
}

/** Returns the name and the version in a type as recorded. */
export function versionedTypeOf(storedType: string): VersionedType {
  const [, name, digits] = versioned.exec(storedType) ?? [];
  if (name === undefined || digits === '1') return { name: storedType, version: 1 };
  return { name, version: Number(digits) };
}

/** Whether a type ends like one with a version, so that no application may declare it. */
export function hasVersion(type: string): boolean {
  return /@\d+$/.test(type);
}
