import { inspect } from 'node:util';
import { type Application, applicationInternals } from '../../application/application.ts';
import type { Saved } from '../../application/recording/save-options.ts';
import { UnknownApplicationError } from '../../system/errors.ts';
import type { System } from '../../system/system.ts';
import { isPipelineId } from '../../util/ids.ts';
import { InvalidArgumentError } from '../../util/options.ts';

/**
 * Checks that a value has the form of what `save()` of an application of the system resolves with.
 *
 * @throws {@link InvalidArgumentError} if it has not.
 * @throws {@link UnknownApplicationError} if the system has no such application.
 */
export function assertSaved(saved: unknown, { graph }: System, call: string): asserts saved is Saved {
  const { applicationName, pipelineId, notificationId, count, correlationId } = (saved ??
    {}) as Partial<Saved>;
  const isSaved =
    typeof applicationName === 'string' &&
    isPipelineId(pipelineId) &&
    isCount(notificationId) &&
    isCount(count) &&
    count <= notificationId &&
    typeof correlationId === 'string';
  if (!isSaved) {
    throw new InvalidArgumentError(
      `${call} takes what save() resolves with, as in ${call.replace('()', '(await orders.save(order))')}, ` +
        `got ${inspect(saved, { depth: 0, breakLength: Infinity, maxStringLength: 100 })}.`,
    );
  }
  const names = graph.nodes.map(({ name }) => name);
  if (names.includes(applicationName)) return;
  throw new UnknownApplicationError(
    `${call} got a save of application '${applicationName}', which is not part of this system. ` +
      `Its applications are: ${names.join(', ')}.`,
  );
}

/**
 * Checks that the events of a save are recorded in the log of its application.
 *
 * @throws {@link InvalidArgumentError} if they are not.
 */
export async function assertRecorded(saved: Saved, application: Application, call: string): Promise<void> {
  const { applicationName, pipelineId, notificationId, count, correlationId } = saved;
  const { recorder } = applicationInternals.storeOf(application);
  const ends = [...new Set([notificationId - count + 1, notificationId])];
  const pages = await Promise.all(ends.map((id) => recorder.notifications(pipelineId, id - 1, 1)));
  const isRecorded = pages.every(
    ([notification], i) => notification?.id === ends[i] && notification?.correlationId === correlationId,
  );
  if (isRecorded) return;
  const which = count === 1 ? `notification ${notificationId}` : `notifications ${ends.join(' to ')}`;
  throw new InvalidArgumentError(
    `${call} got a save of ${which} of application '${applicationName}' in pipeline ${pipelineId}, but the log of this ` +
      'runner holds other events there, or none. Pass a save of this system, recorded in the storage of this runner.',
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
