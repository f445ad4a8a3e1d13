import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Airport } from '../../examples/flights/airport.ts';
import { Airports } from '../../examples/flights/airports.ts';
import { compensationFor } from '../../examples/flights/compensation.ts';
import { flightRecord } from '../../examples/flights/job/flight-record.ts';
import { airTravel } from '../../examples/flights/system.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { historiesIn, inDatabase, inDirectory, logsIn, runJob, startJob } from './flights-job.ts';

const records: readonly object[] = JSON.parse(
  readFileSync(new URL('../data/flights-2k.json', import.meta.resolve('vega-datasets')), 'utf8'),
);
const record = { date: '2001/01/01 06:55', delay: -19, distance: 1797, origin: 'LAX', destination: 'BNA' };

/** Writes a file into a new directory and returns its path. */
function fileOf(content: unknown, name = 'own.json'): string {
  const file = join(temporaryDirectory(), name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the job', () => {
  test.each([
    { name: 'SQLite', newLocation: async () => inDirectory(join(temporaryDirectory(), 'not', 'there yet')) },
    { name: 'PostgreSQL', newLocation: () => inDatabase('flights_2k') },
  ])('claims and pays the compensation for 2,000 flights once, on $name', async ({ newLocation }) => {
    const location = await newLocation();
    const first = await runJob('--size', '2k', ...location.args);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    for (const line of [
      /Flights +2,000\n/,
      /Claims +5\n/,
      /250 euro.* 3\n/,
      /400 euro.* 2\n/,
      /600 euro.* 0\n/,
      /closed +5\n/,
      /Payouts +5\n/,
      /Euros paid +1,550\n/,
      /Worst of 186 airports, of those with 10 arrivals or more/,
      /SMF +18 +27\.4 min +217 min\n/,
      /All 751 figures equal those of a direct pass/,
      /6,015 events in .* events per second/,
    ]) {
      expect(first.stdout).toMatch(line);
    }
    const logs = await logsIn(location);
    const second = await runJob('--size', '2k', ...location.args);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('2,000 of them are already recorded.');
    expect(second.stdout).toContain('Nothing was left to do: 0 events were added.');
    expect(await logsIn(location)).toEqual(logs);
  });

  test('continues after the records that are already recorded', async () => {
    const directory = temporaryDirectory();
    const args = ['--directory', directory, '--file'];
    await runJob(...args, fileOf(records.slice(0, 150)));
    const { code, stdout } = await runJob(...args, fileOf(records.slice(0, 200)));
    expect(code).toBe(0);
    expect(stdout).toContain('150 of them are already recorded.');
    const unbroken = temporaryDirectory();
    await runJob('--directory', unbroken, '--file', fileOf(records.slice(0, 200)));
    expect(await historiesIn(inDirectory(directory))).toEqual(await historiesIn(inDirectory(unbroken)));
  });

  test('reports that the records name no airports', async () => {
    const file = fileOf([{ delay: 200, distance: 3000, time: 1.5 }]);
    const { code, stdout } = await runJob('--file', file, '--directory', temporaryDirectory());
    expect(code).toBe(0);
    expect(stdout).toContain('These records name no airports');
    expect(stdout).toMatch(/Euros paid +600\n/);
  });

  test('accepts a flight that returns to its origin', async () => {
    const file = fileOf([{ ...record, destination: 'LAX' }]);
    const { code, stdout } = await runJob('--file', file, '--directory', temporaryDirectory());
    expect(code).toBe(0);
    expect(stdout).toMatch(/LAX +1 +-19\.0 min/);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'stops in order on %s, and continues at the next run',
    async (signal) => {
      const directory = temporaryDirectory();
      const args = ['--size', '5k', '--directory', directory];
      const { child, outcome } = startJob(...args);
      while (!`${await once(child.stdout, 'data')}`.includes('%'));
      child.kill(signal);
      const stopped = await outcome;
      expect(stopped).toMatchObject({ code: 130, killed: false });
      expect(stopped.stderr).toMatch(/Stopped after [\d,]+ of 5,000 flights\. All finished work is recorded/);
      const resumed = await runJob(...args);
      expect(resumed).toMatchObject({ code: 0, stderr: '' });
      expect(resumed.stdout).toMatch(/All 819 figures equal/);
      expect(resumed.stdout).toMatch(/already recorded/);
    },
  );

  test('fails when a figure is wrong', async () => {
    const directory = temporaryDirectory();
    const args = ['--file', fileOf(records.slice(0, 50)), '--directory', directory];
    await runJob(...args);
    {
      await using airports = await airTravel.open(Airports, { storage: inDirectory(directory).storage });
      const airport = await airports.repository.get(Airport, 'LAX');
      airport.recordDeparture('a flight that never was');
      await airports.save(airport);
    }
    const { code, stdout } = await runJob(...args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/1 of \d+ figures differ from a direct pass/);
    expect(stdout).toMatch(/departures of LAX: \d+ recorded, \d+ by the direct pass/);
  });
});

describe('the command line', () => {
  test('has help', async () => {
    const { code, stdout } = await runJob('--help');
    expect(code).toBe(0);
    for (const option of ['--size', '--file', '--directory', '--help']) expect(stdout).toContain(option);
  });

  test.each([
    ["Unknown option '--sise'", ['--sise', '5k']],
    ["no --size '3k'", ['--size', '3k']],
    ['not both', ['--size', '5k', '--file', 'own.json']],
    ['not both', ['--directory', 'data', '--postgres', 'postgres://localhost/app']],
    ["'connectionString'", ['--postgres', 'localhost']],
    ['argument missing', ['--directory']],
    ["Unexpected argument '5k'", ['5k']],
  ])('rejects invalid arguments: %s', async (message, args) => {
    const { code, stdout, stderr } = await runJob(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
    expect(stderr).not.toContain('    at ');
  });
});

describe('an input', () => {
  test.each([
    [
      'Record 3 is malformed in its field \'delay\': "late" is not',
      [record, record, { ...record, delay: 'late' }],
    ],
    ['is not JSON', '[{]'],
    ['must contain a JSON array', { record }],
    ['contains no records', []],
  ])('is rejected before anything is stored: %s', async (message, content) => {
    const directory = temporaryDirectory();
    const { code, stderr } = await runJob('--file', fileOf(content), '--directory', directory);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('must exist', async () => {
    const { code, stderr } = await runJob('--file', join(temporaryDirectory(), 'none.json'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^File .*none\.json cannot be read/);
    expect(existsSync('data/none')).toBe(false);
  });

  test.each([
    ['another name', 'other.json', records.slice(0, 30), 'from record 1 on'],
    ['another record', 'own.json', records.slice(0, 30).with(4, record), 'from record 5 on'],
    ['fewer records', 'own.json', records.slice(0, 10), 'from record 11 on'],
  ])('is rejected by a directory with other flights: %s', async (_, name, content, message) => {
    const directory = temporaryDirectory();
    await runJob('--directory', directory, '--file', fileOf(records.slice(0, 20)));
    const logs = await logsIn(inDirectory(directory));
    const { code, stderr } = await runJob('--directory', directory, '--file', fileOf(content, name));
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(await logsIn(inDirectory(directory))).toEqual(logs);
  });

  test('is rejected if its directory cannot be created', async () => {
    const file = fileOf([record]);
    const { code, stderr } = await runJob('--file', file, '--directory', join(file, 'sub'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Directory .* cannot be created/);
  });
});

describe('a record', () => {
  test.each([
    ['is not an object', 17],
    ['is not an object', null],
    ['is not an object', [record]],
    ["'delay': it is missing", { distance: 100 }],
    ["'delay': 1.5 is not", { ...record, delay: 1.5 }],
    ["'delay': 99999 is not", { ...record, delay: 99_999 }],
    ["'delay': null is not", { ...record, delay: null }],
    ["'distance': 0 is not", { ...record, distance: 0 }],
    ['\'distance\': "far" is not', { ...record, distance: 'far' }],
    ['\'origin\': "lax" is not', { ...record, origin: 'lax' }],
    ["'destination': 5 is not", { ...record, destination: 5 }],
    ["'destination': it is missing", { ...record, destination: undefined }],
    ["'origin': it is missing", { ...record, origin: undefined }],
    ['\'date\': "2001/02/30 06:55" is not', { ...record, date: '2001/02/30 06:55' }],
    ['\'date\': "2001/01/01 24:00" is not', { ...record, date: '2001/01/01 24:00' }],
    ['\'date\': "yesterday" is not', { ...record, date: 'yesterday' }],
  ])('is malformed: %s', (message, value) => {
    expect(() => flightRecord(value, 42)).toThrow('Record 42 is malformed');
    expect(() => flightRecord(value, 42)).toThrow(message);
  });

  test('needs no date and no airports', () => {
    expect(flightRecord({ delay: 1, distance: 2, time: 3 }, 1)).toMatchObject({ delay: 1, distance: 2 });
  });
});

test.each([
  [179, 100, undefined],
  [180, 100, 250],
  [180, 1_500, 250],
  [180, 1_500.1, 400],
  [180, 3_500, 400],
  [500, 3_500.1, 600],
  [-20, 9_000, undefined],
])('%d minutes late after %d km: %s euro', (delayMinutes, distanceKm, euros) => {
  expect(compensationFor(delayMinutes, distanceKm)).toBe(euros);
});
