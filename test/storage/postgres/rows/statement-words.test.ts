import { expect, test } from 'vitest';
import { refusedWord } from '../../../../src/storage/postgres/rows/statement-words.ts';

test.each([
  ['COMMIT', 'commit'],
  ['COMMIT', ' ;; -- a\n/* b /* c */ */ Commit and chain'],
  ['END', 'end work'],
  ['ABORT', 'abort'],
  ['BEGIN', 'begin isolation level serializable'],
  ['START', 'start transaction'],
  ['PREPARE', "prepare/**/transaction 'a'"],
  ['ROLLBACK', 'rollback'],
  ['ROLLBACK', 'rollback work and no chain'],
  ['ROLLBACK', "rollback prepared 'a'"],
  ['ROLLBACK', 'rollback; to a'],
  ['SET', 'set search_path = a'],
  ['SET', 'set session authorization a'],
  ['SET', 'set localtime = 1'],
  ['RESET', 'reset all'],
  ['DISCARD', 'discard plans'],
  ['DEALLOCATE', 'deallocate all'],
  ['LISTEN', 'listen a'],
])('%s is refused: %s', (word, text) => {
  expect(refusedWord(text)).toBe(word);
});

test.each([
  'insert into commit values (1)',
  'select 1 -- commit',
  '/* commit */ select 1',
  'savepoint a',
  'release a',
  'release savepoint a',
  'rollback to a',
  'ROLLBACK /* x */ TO SAVEPOINT a',
  'rollback work to savepoint a',
  'rollback transaction to a',
  "prepare a as select 'transaction'",
  "set local lock_timeout = '1s'",
  'set constraints all deferred',
  'set transaction read only',
  'committed',
  '',
  '/* open',
])('is executed: %s', (text) => {
  expect(refusedWord(text)).toBeUndefined();
});
