import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isAnswer } from '../../../../src/storage/postgres/errors.ts';

function serverError(severity: string, code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('what went wrong', 100, 'error'), { severity, code });
}

describe('an error of the server', () => {
  it.each([
    ['ERROR', '23505'],
    ['ERROR', '53100'],
    ['FEHLER', '23505'],
    ['ОШИБКА', '40P01'],
    ['错误', '57014'],
  ])('with %s %s answers the statement', (severity, code) => {
    expect(isAnswer(serverError(severity, code))).toBe(true);
  });

  it.each([
    ['FATAL', '57P01'],
    ['FATAL', '23505'],
    ['PANIC', '53100'],
    ['ВАЖНО', '57P01'],
    ['PANIK', '53100'],
    ['致命错误', '25P03'],
  ])('with %s %s may have interrupted the statement', (severity, code) => {
    expect(isAnswer(serverError(severity, code))).toBe(false);
  });

  it('does not include errors of the driver', () => {
    expect(isAnswer(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toBe(false);
  });
});
