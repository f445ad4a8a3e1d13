import { readFile } from 'node:fs/promises';
import { InputError } from './errors.ts';
import { type FlightRecord, flightRecord } from './flight-record.ts';

/** Reads a file of records and checks all of them, so that a malformed one is found before any is stored. */
export async function readRecords(file: string): Promise<readonly FlightRecord[]> {
  const values = parsed(await textOf(file), file);
  if (!Array.isArray(values)) throw new InputError(`File ${file} must hold a JSON array of records.`);
  if (values.length === 0) throw new InputError(`File ${file} holds no records.`);
  return values.map((value, i) => flightRecord(value, i + 1));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError(`File ${file} cannot be read: ${(error as Error).message}.`);
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`File ${file} is not JSON: ${(error as Error).message}.`);
  }
}
