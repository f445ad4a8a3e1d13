import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// Flags are files by which a test and its policies communicate: workers inherit the environment variable with the
// directory, and a flag outlives the worker that raised it.
const variable = 'KAHN_TEST_FLAGS';

/** Sets the directory of all flags, for this process and the workers that are started from now on. */
export function storeFlagsIn(directory: string): void {
  process.env[variable] = directory;
}

export function raise(flag: string, times = 1): void {
  writeFileSync(fileOf(flag), `${times}`);
}

export function lower(flag: string): void {
  rmSync(fileOf(flag), { force: true });
}

export function isRaised(flag: string): boolean {
  return existsSync(fileOf(flag));
}

/** Lowers a flag once; returns whether it was raised. */
export function take(flag: string): boolean {
  const times = isRaised(flag) ? Number(readFileSync(fileOf(flag), 'utf8')) : 0;
  if (times === 0) return false;
  raise(flag, times - 1);
  return true;
}

export async function untilLowered(flag: string): Promise<void> {
  while (isRaised(flag)) await delay(2);
}

function fileOf(flag: string): string {
  return join(process.env[variable] ?? '/nowhere', flag);
}
