import { isModuleMissing } from '../../../util/environment/bundle.ts';
import { InvalidStorageError } from '../../errors.ts';

/** The part of the driver `pg` that kahn uses. */
export type Driver = Pick<typeof import('pg'), 'Client' | 'Pool'>;

/** Imports the driver. Throws InvalidStorageError if it is not installed. */
export async function loadDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    if (!isModuleMissing(cause)) throw cause;
    throw new InvalidStorageError(
      "postgres() needs the driver 'pg', which is not installed. Run: npm install pg",
      { cause },
    );
  }
}
