import { randomBytes } from 'node:crypto';
import { lstatSync, renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LayoutFile } from '../layout/file.ts';
import { assertDirectory } from '../layout/file-header.ts';
import { BackupExistsError } from './errors.ts';

/** Ends of the names of files that SQLite keeps next to a database. */
const companions = ['-journal', '-wal', '-shm'];

/**
 * Writes a file under a temporary name next to the target, syncs it, and renames it: after a crash, the target is missing
 * or whole. If that fails, or the signal is aborted, the temporary file is removed.
 *
 * @throws {@link BackupExistsError} if the target exists.
 * @throws {@link StorageError} if the directory of the target is missing or cannot be written.
 */
export async function writeWhole(
  file: LayoutFile,
  write: (path: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const target = file.path;
  assertDirectory(file);
  assertFree(target);
  const unfinished = `${target}.${randomBytes(4).toString('hex')}.unfinished`;
  try {
    await write(unfinished);
    await sync(unfinished);
    signal?.throwIfAborted();
    assertFree(target);
    renameSync(unfinished, target); // at once, so that no other backup of this process gets the name in between
  } catch (error) {
    for (const end of ['', ...companions]) await rm(`${unfinished}${end}`, { force: true }).catch(() => {});
    throw error;
  }
  if (process.platform !== 'win32') await sync(dirname(target)); // Windows cannot sync a directory
}

/** Checks that neither the target exists, nor a log of an earlier file there, which SQLite would apply to the new one. */
function assertFree(target: string): void {
  for (const end of ['', ...companions]) {
    const path = `${target}${end}`;
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw new BackupExistsError(target, path);
  }
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
