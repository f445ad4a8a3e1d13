import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// By signs, which are files, a test tells policies what to do, and they tell the test: threads inherit the
// environment that leads there, and what a thread has written outlives it.
const variable = 'KAHN_TEST_SIGNS';

/** Puts all signs into this directory from now on; threads started before do not know of it. */
export function putSignsInto(directory: string): void {
  process.env[variable] = directory;
}

export function raise(sign: string, times = 1): void {
  writeFileSync(fileOf(sign), `${times}`);
}

export function lower(sign: string): void {
  rmSync(fileOf(sign), { force: true });
}

export function isRaised(sign: string): boolean {
  return existsSync(fileOf(sign));
}

/** Whether there was one more time to take off a sign. */
export function take(sign: string): boolean {
  const times = isRaised(sign) ? Number(readFileSync(fileOf(sign), 'utf8')) : 0;
  if (times === 0) return false;
  raise(sign, times - 1);
  return true;
}

export async function untilLowered(sign: string): Promise<void> {
  while (isRaised(sign)) await delay(2);
}

function fileOf(sign: string): string {
  return join(process.env[variable] ?? '/nowhere', sign);
}
