import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { effectsOf } from '../../../../src/storage/postgres/errors.ts';

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
  ])('with %s %s leaves nothing recorded', (severity, code) => {
    expect(effectsOf(serverError(severity, code)).commit).toBe('not recorded');
  });

  it.each([
    ['FATAL', '57P01'],
    ['FATAL', '23505'],
    ['PANIC', '53100'],
    ['ВАЖНО', '57P01'],
    ['PANIK', '53100'],
    ['致命错误', '25P03'],
  ])('with %s %s may have interrupted the statement', (severity, code) => {
    expect(effectsOf(serverError(severity, code))).toMatchObject({
      connection: 'replaced',
      commit: 'unknown',
    });
  });

  it('does not include errors of the driver', () => {
    const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    expect(effectsOf(error).commit).toBe('unknown');
  });
});
