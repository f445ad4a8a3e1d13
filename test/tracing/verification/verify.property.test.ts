import fc from 'fast-check';
import type { FaultKind } from 'kahn';
import { expect, test } from 'vitest';
import type { RecordedPosition } from '../../../src/storage/recorder.ts';
import type { StoredNotification } from '../../../src/storage/stored-event.ts';
import { ProgressReport } from '../../../src/tracing/verification/progress-report.ts';
import type { Verification } from '../../../src/tracing/verification/verification.ts';
import { type VerificationBounds, verifyLogs } from '../../../src/tracing/verification/verify-logs.ts';
import { propertyRuns } from '../../support/seed.ts';
import { type DamagedStorage, damagedMemory } from './damaged-storages.ts';
import { RandomLogs, steps } from './random-logs.ts';

/** A notification and the log that it is in. */
interface Located extends StoredNotification {
  readonly applicationName: string;
  readonly pipelineId: number;
}

interface Contents {
  readonly notifications: readonly Located[];
  readonly positions: readonly (RecordedPosition & { readonly applicationName: string })[];
}

/** Damage of one kind. `pick` chooses among the places where it can be. */
interface Damage {
  readonly kind: FaultKind;
  /** Inflicts the damage, and returns where it must be found; undefined if there is no such place. */
  inflict(
    damaged: DamagedStorage,
    contents: Contents,
    pick: <T>(all: readonly T[]) => T | undefined,
  ): Promise<{ readonly applicationName: string; readonly id: number } | undefined>;
}

const bounds = fc.record({
  pageSize: fc.integer({ min: 1, max: 20 }),
  notifications: fc.constant(1_000),
  length: fc.constantFrom(1, 100, 1e6),
  aggregates: fc.constantFrom(0, 20, 1_000),
});

test('logs recorded by random commands and batches are sound', async () => {
  const property = fc.asyncProperty(steps, bounds, async (taken, chosen) => {
    await using logs = await RandomLogs.open(damagedMemory().storage);
    for (const step of taken) await logs.take(step);
    const { notifications } = await contentsOf(logs);
    const verification = await verified(logs, chosen);
    expect(verification.faults).toEqual([]);
    expect(verification.events).toBe(notifications.length);
    expect(verification.causes).toBe(notifications.filter(({ cause }) => cause !== undefined).length);
  });
  await fc.assert(property, propertyRuns(100, 1_000));
});

test('logs that grow while they are read are sound', async () => {
  const property = fc.asyncProperty(steps, steps, bounds, async (before, meanwhile, chosen) => {
    await using logs = await RandomLogs.open(damagedMemory().storage);
    for (const step of before) await logs.take(step);
    const [verification] = await Promise.all([
      verified(logs, chosen),
      (async () => {
        for (const step of meanwhile) await logs.take(step);
      })(),
    ]);
    expect(verification.faults).toEqual([]);
  });
  await fc.assert(property, propertyRuns(100, 1_000));
});

const damages: readonly Damage[] = [
  {
    kind: 'notification-lost',
    async inflict(damaged, { notifications }, pick) {
      const lost = pick(notifications.filter((one) => !isLast(one, notifications)));
      if (lost !== undefined) await damaged.remove(lost);
      return lost;
    },
  },
  {
    kind: 'notification-doubled',
    async inflict(damaged, { notifications }, pick) {
      const doubled = pick(notifications);
      if (doubled !== undefined) await damaged.copy(doubled, {});
      return doubled;
    },
  },
  {
    kind: 'version-lost',
    async inflict(damaged, { notifications }, pick) {
      const changed = pick(notifications);
      if (changed === undefined) return undefined;
      await damaged.overwrite(changed, { originatorVersion: 1_000 });
      return changed;
    },
  },
  {
    kind: 'cause-lost',
    async inflict(damaged, { notifications }, pick) {
      const changed = pick(notifications.filter(({ cause }) => cause !== undefined));
      if (changed?.cause === undefined) return undefined;
      await damaged.overwrite(changed, { cause: { ...changed.cause, notificationId: 1_000 } });
      return changed;
    },
  },
  {
    kind: 'cause-not-before',
    async inflict(damaged, { notifications }, pick) {
      const changed = pick(notifications);
      if (changed === undefined) return undefined;
      const { applicationName, pipelineId, id: notificationId } = changed;
      await damaged.overwrite(changed, { cause: { applicationName, pipelineId, notificationId } });
      return changed;
    },
  },
  {
    kind: 'cause-beyond-position',
    async inflict(damaged, { notifications }, pick) {
      const effect = pick(notifications.filter(({ cause }) => cause?.pipelineId === 0));
      if (effect?.cause === undefined) return undefined;
      const { applicationName, notificationId } = effect.cause;
      await damaged.setPosition(effect.applicationName, applicationName, notificationId - 1);
      return effect;
    },
  },
  {
    kind: 'effect-doubled',
    async inflict(damaged, { notifications }, pick) {
      const effect = pick(notifications.filter((one) => (causeBefore(one, notifications) ?? 0) > 1));
      if (effect?.cause === undefined) return undefined;
      const notificationId = causeBefore(effect, notifications)! - 1;
      await damaged.overwrite(effect, { cause: { ...effect.cause, notificationId } });
      return effect;
    },
  },
  {
    kind: 'effect-doubled',
    async inflict(damaged, { notifications }, pick) {
      // After an event of a command, an effect of a notification that had effects before.
      const repeated = pick(
        notifications.filter(
          (one, i) =>
            one.cause !== undefined &&
            causeBefore(one, notifications) !== undefined &&
            one.id > 1 &&
            notifications[i - 1]!.cause === undefined,
        ),
      );
      if (repeated?.cause === undefined) return undefined;
      const notificationId = causeBefore(repeated, notifications)!;
      await damaged.overwrite(repeated, { cause: { ...repeated.cause, notificationId } });
      return repeated;
    },
  },
  {
    kind: 'version-doubled',
    async inflict(damaged, { notifications }, pick) {
      const doubled = pick(
        notifications.filter((one) => one.originatorVersion > 1 && isContinued(one, notifications)),
      );
      if (doubled === undefined) return undefined;
      await damaged.overwrite(doubled, { originatorVersion: doubled.originatorVersion - 1 });
      return doubled;
    },
  },
  {
    kind: 'position-beyond-head',
    async inflict(damaged, { positions }, pick) {
      const moved = pick(positions.filter(({ pipelineId }) => pipelineId === 0));
      if (moved === undefined) return undefined;
      await damaged.setPosition(moved.applicationName, moved.upstreamName, 1_000);
      return { ...moved, id: 1_000 };
    },
  },
];

test.each(damages)('a random $kind is found and named', async ({ kind, inflict }) => {
  const property = fc.asyncProperty(
    steps,
    fc.nat(),
    fc.integer({ min: 5, max: 20 }),
    async (taken, which, pageSize) => {
      const damaged = damagedMemory();
      await using logs = await RandomLogs.open(damaged.storage);
      for (const step of taken) await logs.take(step);
      const place = await inflict(damaged, await contentsOf(logs), (all) => all[which % all.length]);
      fc.pre(place !== undefined);
      const { faults } = await verified(logs, {
        pageSize,
        notifications: 1_000,
        length: 300,
        aggregates: 1_000,
      });
      expect(faults).toContainEqual(
        expect.objectContaining({ kind, applicationName: place!.applicationName, notificationId: place!.id }),
      );
    },
  );
  await fc.assert(property, propertyRuns(30, 300));
});

function verified({ recorders }: RandomLogs, bounds: VerificationBounds): Promise<Verification> {
  return verifyLogs(recorders, new ProgressReport(undefined, undefined), bounds);
}

async function contentsOf({ recorders }: RandomLogs): Promise<Contents> {
  const notifications: Located[] = [];
  const positions = [];
  for (const [applicationName, recorder] of recorders) {
    for (const { pipelineId } of await recorder.logs()) {
      const found = await recorder.notifications(pipelineId, 0, 1_000);
      notifications.push(...found.map((one) => ({ ...one, applicationName, pipelineId })));
    }
    positions.push(...(await recorder.positions()).map((one) => ({ ...one, applicationName })));
  }
  return { notifications, positions };
}

function isLast({ id, applicationName, pipelineId }: Located, all: readonly Located[]): boolean {
  return !all.some(
    (one) => one.applicationName === applicationName && one.pipelineId === pipelineId && one.id > id,
  );
}

/** Returns whether the previous version of the aggregate is in the same log. */
function isContinued(
  { originatorId, originatorVersion, pipelineId }: Located,
  all: readonly Located[],
): boolean {
  return all.some(
    (one) =>
      one.originatorId === originatorId &&
      one.originatorVersion === originatorVersion - 1 &&
      one.pipelineId === pipelineId,
  );
}

/** Returns the id of the last cause before that of an event, in the same log and upstream. */
function causeBefore({ id, applicationName, pipelineId, cause }: Located, all: readonly Located[]) {
  return all
    .filter((one) => one.applicationName === applicationName && one.pipelineId === pipelineId && one.id < id)
    .findLast((one) => one.cause?.applicationName === cause?.applicationName)?.cause?.notificationId;
}
