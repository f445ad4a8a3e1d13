import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The prepared statements of the keys of subjects, each with its parameters -> the columns it returns. */
export interface SubjectStatements {
  /** subject -> key, null if it was deleted */
  readonly entry: StatementSync;
  /** key */
  readonly addKey: StatementSync;
  /** subject, keyId */
  readonly addSubject: StatementSync;
  /** subject, timestamp; changes nothing if the key was deleted before */
  readonly deleteSubject: StatementSync;
  /** subject */
  readonly overwriteKey: StatementSync;
  /** after, limit -> number, subject, timestamp */
  readonly deleted: StatementSync;
}

const texts: Readonly<Record<keyof SubjectStatements, string>> = {
  entry: `
    select case when s.deletion is null then cast(k.key as text) end
    from subjects s left join subject_keys k on k.id = s.key_id where s.subject = ?`,
  addKey: 'insert into subject_keys (key) values (cast(? as blob))',
  addSubject: 'insert into subjects (subject, key_id) values (?, ?)',
  deleteSubject: `
    insert into subjects (subject, deletion, deleted_at)
    values (?, (select coalesce(max(deletion), 0) + 1 from subjects), ?)
    on conflict (subject) do update set deletion = excluded.deletion, deleted_at = excluded.deleted_at
    where deletion is null`,
  overwriteKey: `
    update subject_keys set key = zeroblob(length(key))
    where id = (select key_id from subjects where subject = ?)`,
  deleted: `
    select deletion, subject, deleted_at from subjects where deletion > ? order by deletion limit ?`,
};

/** Prepares all statements. Fails if the database lacks a table or column. */
export function prepareSubjects(database: DatabaseSync): SubjectStatements {
  const prepared = Object.entries(texts).map(([name, text]) => {
    const statement = database.prepare(text);
    statement.setReturnArrays(true);
    return [name, statement];
  });
  return Object.fromEntries(prepared) as SubjectStatements;
}
