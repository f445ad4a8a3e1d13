import { DatabaseSync } from 'node:sqlite';

/** Copies an SQLite file, also while it is open elsewhere. */
export function copyFile(file: string, copy: string): void {
  using database = new DatabaseSync(file, { timeout: 5_000 });
  database.prepare('vacuum into ?').run(copy);
}

/** Puts the content of a copy into an SQLite file that may be open elsewhere, as a restore of a running server does. */
export function restoreFile(file: string, copy: string): void {
  using database = new DatabaseSync(file, { timeout: 5_000 });
  database.prepare('attach ? as copy').run(copy);
  const names = database
    .prepare("select name from copy.sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    .all()
    .map(({ name }) => `"${name}"`);
  const statements = names.map(
    (name) => `delete from main.${name}; insert into main.${name} select * from copy.${name};`,
  );
  database.exec(`begin immediate; ${statements.join(' ')} commit`);
}
