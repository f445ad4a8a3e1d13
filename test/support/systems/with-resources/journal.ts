import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Notes of all threads and processes of a test: workers inherit the environment variable with the directory.
const variable = 'KAHN_TEST_FLAGS';
const file = () => join(process.env[variable] ?? '/nowhere', 'journal');

/** Notes that something happened to a resource that was opened by `opener`. */
export function note(opener: string, what: string): void {
  appendFileSync(file(), `${JSON.stringify({ opener, what })}\n`);
}

/** Returns what happened, in order, for each opener. */
export function notesByOpener(): readonly (readonly string[])[] {
  const lines = existsSync(file()) ? readFileSync(file(), 'utf8').trim().split('\n') : [];
  const notes = lines.map((line) => JSON.parse(line) as { opener: string; what: string });
  const byOpener = Map.groupBy(notes, ({ opener }) => opener);
  return [...byOpener.values()].map((group) => group.map(({ what }) => what));
}
