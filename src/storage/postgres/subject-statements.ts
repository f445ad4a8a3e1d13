import { subjectsIn, subjectsTable } from './schema.ts';
import { named, type Statement } from './statements.ts';

/** The statements for the keys of subjects, each with its parameters -> the columns it returns. */
export interface SubjectStatements {
  /** subjects, keys -> subject, key of those that were added, in any order */
  readonly add: Statement;
  /** subjects -> subject, key, in the same order; nulls if there is no entry */
  readonly read: Statement;
  /** subject, timestamp, commitId */
  readonly delete: Statement;
  /** subject, commitId -> a row if the call has deleted the key */
  readonly isDeletedBy: Statement;
  /** after, limit -> number, subject, timestamp */
  readonly deleted: Statement;
  /** schema -> number of old versions of rows that the last vacuum had to leave; nothing if the role may not vacuum */
  readonly oldVersions: Statement;
  /** Removes old versions of rows. Runs outside of transactions only. */
  readonly vacuum: Statement;
}

/** Returns the statements for the keys of subjects in a schema. */
export function subjectStatements(schema: string): SubjectStatements {
  const subjects = subjectsIn(schema);
  return {
    // Entries are added in the order of subjects, so that two calls never wait for each other in a circle.
    add: named(`
      insert into ${subjects} (subject, key)
      select distinct on (g.subject) g.subject, g.key
      from unnest($1::text[], $2::text[]) with ordinality as g (subject, key, number) order by g.subject, g.number
      on conflict (subject) do nothing
      returning subject, key`),
    read: named(`
      select s.subject, s.key
      from unnest($1::text[]) with ordinality as i (subject, number)
      left join lateral (select * from ${subjects} s where s.subject = i.subject offset 0) s on true
      order by i.number`),
    delete: named(`
      insert into ${subjects} as s (subject, deletion, deleted_at, commit_id)
      select $1, coalesce(max(deletion), 0) + 1, $2::bigint, $3::bigint from ${subjects}
      on conflict (subject) do update
      set key = null, deletion = excluded.deletion, deleted_at = excluded.deleted_at, commit_id = excluded.commit_id
      where s.deletion is null`),
    isDeletedBy: named(`select 1 from ${subjects} where subject = $1 and commit_id = $2`),
    deleted: named(`
      select deletion, subject, deleted_at from ${subjects} where deletion > $1 order by deletion limit $2`),
    oldVersions: named(`
      select n_dead_tup from pg_stat_user_tables s join pg_class c on c.oid = s.relid
      where s.schemaname = $1 and s.relname = '${subjectsTable}'
        and case when current_setting('server_version_num')::integer >= 170000
          then has_table_privilege(c.oid, 'maintain') else pg_has_role(c.relowner, 'usage') end`),
    // Without `truncate false`, it would lock out readers for a moment.
    vacuum: { text: `vacuum (truncate false) ${subjects}` },
  };
}
