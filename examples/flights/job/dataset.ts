import { readFile } from 'node:fs/promises';
import { InputError } from './errors.ts';
import { type FlightRecord, flightRecord } from './flight-record.ts';

/** Reads and checks all records of a file. Throws {@link InputError} if one is malformed, before any is stored. */
export async function readRecords(file: string): Promise<readonly FlightRecord[]> {
  const values = parsed(await textOf(file), file);
  if (!Array.isArray(values)) throw new InputError(`File ${file} must contain a JSON array of records.`);
  if (values.length === 0) throw new InputError(`File ${file} contains no records.`);
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
