/** Version of the tables below. */
export const subjectKeysVersion = 1;

/** Name of the table of subjects. No table of an application has a name without an underscore. */
export const subjectsTable = 'subjects';

/**
 * SQL that creates the tables of the keys of subjects. SQLite leaves copies of rows that it moves between pages. A key is
 * therefore in a row of its own that never moves: rows of keys are appended, never removed, and overwritten by zeros of the
 * same length.
 */
export const createSubjectTables: string = `
  create table ${subjectsTable} (
    subject text primary key,
    key_id integer, -- row of subject_keys; null if the key was deleted before there was one
    deletion integer unique, -- counts from 1; null until the key is deleted
    deleted_at integer -- milliseconds since 1970
  ) strict;
  create table subject_keys (
    id integer primary key,
    key blob not null -- text in UTF-8; zeros once it is deleted
  ) strict;
`;
