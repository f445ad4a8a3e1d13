import { KahnError } from '../../../util/errors.ts';

/** A backup was not begun or not finished, because a file is at the path of the copy. */
export class BackupExistsError extends KahnError {
  override readonly code = 'BACKUP_EXISTS';
  /** Path of the file that is there. */
  declare readonly path: string;

  constructor(target: string, path: string) {
    const found =
      path === target
        ? 'it exists'
        : `the file '${path}' is left from another database, which SQLite would mix with it`;
    super(`Backup to '${target}' refused: ${found}. Choose a new path, or move the file away.`, { path });
  }
}
