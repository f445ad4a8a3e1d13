import type { ApplicationClass } from '../../application/application.ts';
import { isPlaceInLog, type PlaceInLog, placeText } from '../../application/log/place-in-log.ts';
import { assertPipelineId, isId } from '../../util/ids.ts';
import { checkedBy, flag, required, ruleOf } from '../../util/option-rules.ts';
import type { OptionRule, OptionRules } from '../../util/options.ts';
import { type OperationOptions, operationOptions } from './operation-options.ts';

/** Options of {@link SystemRunner.reset}. */
export interface ResetOptions<Apps extends ApplicationClass = ApplicationClass> extends OperationOptions {
  /** Id of the last notification that counts as processed, 0 for none, or the place behind it. */
  readonly at: number | PlaceInLog;
  /** Class of the application that is followed. @default the only one */
  readonly upstream?: Apps;
  /** Pipeline of the log and of the position. @default 0 */
  readonly pipelineId?: number;
}

/** Options of {@link SystemRunner.replay}. */
export interface ReplayOptions<Apps extends ApplicationClass = ApplicationClass> extends OperationOptions {
  /** Class of the application that is followed. @default the only one */
  readonly upstream?: Apps;
  /** Types of the events that are handled again. @default all types that the policy handles */
  readonly types?: readonly string[];
  /** Id of the first notification, or the place before it. @default 'start' */
  readonly from?: number | PlaceInLog;
  /** Id of the last notification, or the place behind it. @default the position of the application */
  readonly to?: number | PlaceInLog;
  /** Whether handlers may call other systems: they read it as `context.sideEffects`. @default true */
  readonly sideEffects?: boolean;
  /** Pipeline of the log and of the position. @default 0 */
  readonly pipelineId?: number;
}

/** Accepts an id of a notification or a place in a log. */
function idOrPlace(least: number): OptionRule<number | PlaceInLog, undefined> {
  return ruleOf(`the id of a notification >= ${least}, or ${placeText}`, (value) =>
    Number.isSafeInteger(value) ? (value as number) >= least : isPlaceInLog(value),
  );
}

const upstream: OptionRule<ApplicationClass, undefined> = ruleOf<ApplicationClass>(
  'the class of an application',
  (value) => typeof value === 'function',
);
const pipelineId = checkedBy<number, 0>(assertPipelineId, 0);

export const resetOptions: OptionRules<ResetOptions, 'pipelineId'> = {
  ...operationOptions,
  at: required(idOrPlace(0)),
  upstream,
  pipelineId,
};

export const replayOptions: OptionRules<ReplayOptions, 'pipelineId' | 'from' | 'sideEffects'> = {
  ...operationOptions,
  upstream,
  types: ruleOf(
    'an array of event types',
    (value) => Array.isArray(value) && value.length > 0 && value.every(isId),
  ),
  from: { ...idOrPlace(1), default: 'start' },
  to: idOrPlace(1),
  sideEffects: flag(true),
  pipelineId,
};
