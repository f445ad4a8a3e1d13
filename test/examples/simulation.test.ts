import { once } from 'node:events';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../examples/flights/job/errors.ts';
import { help, optionsFrom } from '../../examples/simulation/options.ts';
import { chart } from '../../examples/simulation/output/chart.ts';
import { openSpans, peaks, timeOf } from '../../examples/simulation/output/panels.ts';
import { Queues } from '../../examples/simulation/queues.ts';
import { travelDay } from '../../examples/simulation/system.ts';
import { legOf } from '../../examples/simulation/timetable.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { type Outcome, startExample } from './example-program.ts';

function simulate(...args: readonly string[]): Promise<Outcome> {
  return startExample('simulation', ...args).outcome;
}

describe('the simulated day', () => {
  test('finishes sooner with more clerks', async () => {
    const { code, stdout } = await simulate('--size', '5k', '--clerks', '3');
    expect(code).toBe(0);
    expect(stdout).toContain('3 clerks pay claims');
    expect(stdout).toContain('08:39 + 1 d\n'); // with one clerk at 10:09
  });

  test('shows its progress, and stops in order on Ctrl-C', async () => {
    const { child, outcome } = startExample('simulation', '--size', '2k', '--speed', '36000', '--threads');
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    const { stderr, ...ended } = await outcome;
    expect(ended).toMatchObject({ code: 130, killed: false });
    expect(stderr).toMatch(/^ {2}00:00 {2}0 landed {2}claims 0 {2}desk 0 {2}airports 0 {2}clerks 0\n/);
    expect(stderr).toMatch(/\n {2}Stopped\.\n$/);
  });
});

describe('the command line', () => {
  test('has help', () => {
    expect(optionsFrom(['--help'])).toBeUndefined();
    for (const option of ['--size', '--clerks', '--threads', '--speed', '--svg']) {
      expect(help).toContain(option);
    }
  });

  test.each([
    ["no --size '200k'", ['--size', '200k']],
    ["--clerks needs a whole number from 1 to 1000, not '0'", ['--clerks', '0']],
    ["--speed needs a whole number from 0 to 1000000, not 'fast'", ['--speed', 'fast']],
    ['--svg needs the path', ['--svg', '']],
    ["Unknown option '--thread'", ['--thread']],
  ])('rejects wrong arguments: %s', (message, args) => {
    expect(() => optionsFrom(args)).toThrow(UsageError);
    expect(() => optionsFrom(args)).toThrow(message);
  });

  test('refers to the help after an error', async () => {
    const { code, stdout, stderr } = await simulate('--clerks', '-1');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("Run 'npm run simulate -- --help' to see all options.");
    expect(stderr).not.toContain('    at ');
  });

  test('reports that the chart cannot be written', async () => {
    const { code, stderr } = await simulate(
      '--size',
      '2k',
      '--svg',
      join(temporaryDirectory(), 'no', 'a.svg'),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/File .*a\.svg cannot be written/);
  });
});

describe('the parts of the simulation', () => {
  test.each([
    ['2001/01/01 06:55', 500, 10, { departureMinute: 415, minutes: 70 }],
    ['2001/01/01 23:59', 10, -90, { departureMinute: 1_439, minutes: 1 }],
  ])('a flight at %s over %d miles, %d minutes late', (date, distance, delay, leg) => {
    expect(legOf({ date, distance, delay }, 1)).toEqual(leg);
  });

  test('a flight needs a departure', () => {
    expect(() => legOf({ distance: 1, delay: 0 }, 7)).toThrow('Record 7 has no departure time.');
  });

  test('a queue counts upstream events that are not fetched yet', () => {
    const queues = new Queues(travelDay.graph);
    const note = (...counts: readonly (readonly [name: string, fetched: number, recorded: number])[]) => {
      const applications = counts.map(([applicationName, fetched, recorded]) => ({
        applicationName,
        fetched,
        recorded,
      }));
      const times = { simulatedTimeMs: 0, realTimeMs: 0, durationMs: 0, intensity: 0, actualSpeed: 0 };
      queues.note({ number: 1, ...times, applications });
    };
    note(['flights', 0, 5], ['desk', 0, 1]);
    expect(Object.fromEntries(queues.lengths)).toEqual({ claims: [6], desk: [0], airports: [5] });
    expect(queues.areEmpty).toBe(false);
    note(['claims', 6, 2], ['airports', 4, 8]);
    expect(Object.fromEntries(queues.lengths)).toEqual({ claims: [6, 0], desk: [0, 2], airports: [5, 1] });
  });

  test('a chart fits into its columns, and shows every value above 0', () => {
    const values = Array.from({ length: 2_000 }, (_, i) => (i === 0 ? 1 : i));
    for (const columns of [40, 80, 211]) {
      const drawn = chart([{ title: 'one', note: 'of it', values }], columns);
      const lines = stripVTControlCharacters(drawn).split('\n');
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
      expect(lines.at(4)).toMatch(/│▁/);
    }
  });

  test('peaks cover every value, and may be more than there are values', () => {
    expect(peaks([1, 5, 2, 0], 2)).toEqual([5, 2]);
    expect(peaks([1, 5], 4)).toEqual([1, 1, 5, 5]);
  });

  test('the desk is open during the day, and its last span ends with the simulation', () => {
    expect(openSpans(40 * 60)).toEqual([
      [480, 1_200],
      [1_920, 2_400],
    ]);
    expect(openSpans(60)).toEqual([]);
    expect(timeOf(1_505)).toBe('01:05');
  });
});
