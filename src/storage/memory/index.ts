import { newId } from '../../util/ids.ts';
import { describeStorage, type StorageDescription } from '../storage.ts';
import * as module from './storage.ts';
import { createMemory, keepMemory } from './system-memory.ts';

/**
 * Describes storage on the heap of this thread, empty at each call. Opening one description twice shares the data.
 *
 * The data is freed with the description, once it is closed everywhere. A runner with threads shares it with them;
 * each thread that records in it or loads aggregates holds a copy.
 */
export function memory(): StorageDescription {
  const options = { id: newId() };
  keepMemory(options, createMemory(options.id, true));
  return describeStorage(module, options);
}
