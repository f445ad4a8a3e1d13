import type { ApplicationClass } from '../../application/application.ts';
import { type ParkedReason, parkedReasonOf } from '../../application/parking/parked-reason.ts';
import type { ParkedNotification } from '../../storage/parked.ts';
import { isPipelineId } from '../../util/ids.ts';
import { integer, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';

/** Selects parked notifications of an application. Without a field, all of them. */
export interface ParkedFilter {
  /** Only notifications of this pipeline. @default all pipelines of the runner */
  readonly pipelineId?: number;
  /** Only notifications of this upstream. @default all upstreams */
  readonly upstream?: ApplicationClass;
  /** Only notifications with this id. @default all ids */
  readonly notificationId?: number;
  /** Only notifications that failed with an error of this name, such as 'TypeError'. @default all errors */
  readonly errorName?: string;
  /** Only notifications of this aggregate. @default all aggregates */
  readonly originatorId?: string;
  /** Only notifications that were parked before this time, in ms since 1970. @default no limit */
  readonly before?: number;
}

const text = (expected: string) =>
  ruleOf<string>(expected, (value) => typeof value === 'string' && value !== '');

export const parkedFilter: OptionRules<ParkedFilter> = {
  pipelineId: ruleOf('the id of a pipeline', isPipelineId),
  upstream: ruleOf('the class of an application', (value) => typeof value === 'function'),
  notificationId: integer({ least: 1 }),
  errorName: text('the name of an error'),
  originatorId: text('the id of an aggregate'),
  before: integer({ least: 0 }),
};

/**
 * Returns a filter with checked fields.
 *
 * @throws {@link InvalidOptionError} if a field is unknown, or its value does not fit.
 */
export function parkedFilterOf(filter: ParkedFilter, call: string): ParkedFilter {
  return resolveOptions(filter, parkedFilter, call);
}

/** Returns why a notification is parked if a filter selects it; undefined if not. */
export function selectedReason(
  { notificationId, errorName, originatorId, before }: ParkedFilter,
  parked: ParkedNotification,
): ParkedReason | undefined {
  if (notificationId !== undefined && parked.notificationId !== notificationId) return undefined;
  if (originatorId !== undefined && parked.originatorId !== originatorId) return undefined;
  if (before !== undefined && parked.since >= before) return undefined;
  const reason = parkedReasonOf(parked.reason);
  return errorName === undefined || reason.error?.name === errorName ? reason : undefined;
}
