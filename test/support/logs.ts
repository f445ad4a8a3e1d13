import { type Application, memory, run, type StorageDescription, type System, verify } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';

/** Returns the canonical histories of a shop that ran in one thread without faults. */
export async function unbrokenHistories(customers: readonly string[]): Promise<readonly string[]> {
  await using runner = await run(shop.bind(memory()));
  for (const customer of customers) await runner.get(Orders).place(customer);
  return await canonicalHistories(
    shop.applications.map((kind) => runner.get(kind)),
    { causes: true },
  );
}

/** Returns the expected histories that are missing, and the unexpected histories. */
export function difference(actual: readonly string[], expected: readonly string[]) {
  return { lost: without(expected, actual), doubled: without(actual, expected) };
}

/** Throws unless nothing in the logs of a system is lost or doubled, whether the system is running or not. */
export async function assertSound(storage: StorageDescription, system: System = shop): Promise<void> {
  const { faults } = await verify(storage, system);
  expect(faults.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([]);
}

/** Throws unless the ids of an application's log count from 1 without a gap. */
export async function assertContiguous(application: Application): Promise<void> {
  let last = 0;
  for await (const { id } of application.reader()) {
    expect(id).toBe(last + 1);
    last = id;
  }
  expect(await application.log.head()).toBe(last);
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...all];
  for (const one of some) {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}
