import { InvalidStorageError } from '../../errors.ts';

/** What is used of the driver. */
export type Driver = Pick<typeof import('pg'), 'Client' | 'Pool'>;

/** The driver, or an error that says how to install it. */
export async function loadDriver(): Promise<Driver> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new InvalidStorageError(
      "postgres() needs the driver 'pg', which is not installed. Run: npm install pg",
      { cause },
    );
  }
}
