import { fileURLToPath } from 'node:url';

/** Directories of the code of kahn: source maps lead from one to the other. */
const directories: readonly string[] = ['src', 'dist'].map((directory) =>
  fileURLToPath(new URL(`../../${directory}/`, import.meta.url)),
);

/** Whether a path or a URL leads to the code of kahn. */
export function isOwnCode(place: string): boolean {
  const path = place.startsWith('file:') ? fileURLToPath(place) : place;
  return directories.some((directory) => path.startsWith(directory));
}
