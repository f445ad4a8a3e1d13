import { isId, isPipelineId } from '../../../util/ids.ts';
import type { LogGrown, StartSystem } from './messages.ts';

// Every program that reaches the engine can call the handlers that runners call. These predicates check the messages.

/** Whether a value has the form of a prompt. */
export function isLogGrown(message: unknown): message is LogGrown {
  const { applicationName, head } = fieldsOf<LogGrown>(message);
  return isId(applicationName) && isHead(head);
}

/** Whether a value can be the head of a log: larger numbers are not exact. */
export function isHead(head: unknown): head is number {
  return Number.isSafeInteger(head) && Number(head) >= 0;
}

/** Whether a value has the form of a request to start a system. Its graph is compared with that of the service. */
export function isStartSystem(message: unknown): message is StartSystem {
  const { pipelineIds, pollIntervalMs, callerId } = fieldsOf<StartSystem>(message);
  const isInterval = Number.isSafeInteger(pollIntervalMs) && Number(pollIntervalMs) >= 1;
  const arePipelines =
    Array.isArray(pipelineIds) && pipelineIds.length > 0 && pipelineIds.every(isPipelineId);
  return isInterval && arePipelines && isId(callerId);
}

/** Whether a value has the form of a request to take a start back. */
export function isTakeBack(message: unknown): message is Pick<StartSystem, 'callerId'> {
  return isId(fieldsOf<StartSystem>(message).callerId);
}

function fieldsOf<Message>(message: unknown): Partial<Record<keyof Message, unknown>> {
  return typeof message === 'object' && message !== null ? message : {};
}
