import type { SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, difference, unbrokenHistories } from '../../support/logs.ts';
import { patient } from '../../support/until.ts';
import { raise, take } from '../multi-threaded/file-flags.ts';

/** Kills the worker of the reservations at each moment, and checks that nothing is lost or doubled. */
export async function expectSurvival(
  runner: SystemRunner<(typeof shop.applications)[number]>,
  moments: readonly string[],
): Promise<void> {
  const orders = runner.get(Orders);
  for (const moment of moments) {
    raise(moment);
    const id = await orders.place(moment);
    await vi.waitUntil(async () => (await orders.get(id)).done, patient);
    expect(take(moment)).toBe(false);
  }
  const applications = shop.applications.map((kind) => runner.get(kind));
  for (const application of applications) await assertContiguous(application);
  const histories = await canonicalHistories(applications, { causes: true });
  expect(difference(histories, await unbrokenHistories(moments))).toEqual({ lost: [], doubled: [] });
}
