import { query } from '../../support/servers/postgres.ts';

/**
 * Returns whether a text is anywhere in the file of the table in schema `shop`, also outside of its rows. Transactions in
 * other databases do not delay a vacuum.
 */
export async function isOnDisk(url: string, text: string): Promise<boolean> {
  await query('checkpoint', [], url);
  const [row] = await query(
    `select position($1::bytea in pg_read_binary_file(pg_relation_filepath('shop.kahn_subjects'))) as place`,
    [Buffer.from(text)],
    url,
  );
  return row.place > 0;
}
