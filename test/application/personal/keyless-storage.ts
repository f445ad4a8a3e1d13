// Storage of an author who does not know of keys of subjects.
import { memory } from 'kahn';
import { type OpenedStorage, openStorage as open } from '../../../src/storage/storage.ts';

export async function openStorage(): Promise<OpenedStorage> {
  const { openSubjectKeys: _, ...storage } = await open(memory());
  return storage;
}
