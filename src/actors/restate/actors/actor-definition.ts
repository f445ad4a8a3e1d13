import type { ObjectOptions, VirtualObjectDefinition } from '@restatedev/restate-sdk';
import type { SystemGraph } from '../../../system/graph.ts';
import type { ApplicationHost } from '../host/application-host.ts';
import type { ActorNames } from '../protocol/actor-names.ts';
import type { Sdk } from './load-sdk.ts';

/** Everything that the actors of a system share. */
export interface ActorSetup {
  readonly sdk: Sdk;
  readonly graph: SystemGraph;
  readonly host: ApplicationHost;
  readonly system: ActorName;
  readonly pipeline: ActorName;
  readonly coordinator: ActorName;
  readonly worker: ActorName;
}

/** Service name of an actor type. */
export interface ActorName {
  readonly name: string;
}

/** An actor type, as a service registers it with an engine. */
export type ActorDefinition<Handlers> = VirtualObjectDefinition<string, Handlers>;

const secondMs = 1_000;
const hourMs = 3_600_000;

const retryPolicy = { initialInterval: 50, exponentiationFactor: 2, maxInterval: 1_000 };

/** Retry policy of awaited or repeatable calls: they are dropped after about 50 s, so that they do not accumulate. */
export const limitedRetries: Pick<ObjectOptions, 'retryPolicy'> = {
  retryPolicy: { ...retryPolicy, maxAttempts: 54, onMaxAttempts: 'kill' },
};

/** Options of handlers that only other actors call: the engine refuses calls of them from outside. */
export const internalCall: Pick<ObjectOptions, 'retryPolicy' | 'ingressPrivate'> = {
  ...limitedRetries,
  ingressPrivate: true,
};

/**
 * Options of the actors in the engine. The engine retries calls without limit while a service is down or unreachable.
 * Policy and storage failures are handled by kahn, not by the engine's retries. The engine keeps nothing of finished
 * calls, and suspends an actor that waits for another actor after a second, so that its service can shut down.
 */
export const actorOptions: ObjectOptions = {
  retryPolicy: { ...retryPolicy, maxAttempts: 2 ** 31 - 1 },
  inactivityTimeout: secondMs,
  abortTimeout: hourMs,
  journalRetention: 0,
  idempotencyRetention: 0,
};

/** Options of workers: a step may take long, and a step that the engine aborts is repeated. */
export const workerOptions: ObjectOptions = { ...actorOptions, abortTimeout: 2 * hourMs };

/** Creates the parts that the actors of a system share. */
export function actorSetup(
  sdk: Sdk,
  names: ActorNames,
  graph: SystemGraph,
  host: ApplicationHost,
): ActorSetup {
  return {
    sdk,
    graph,
    host,
    system: { name: names.system },
    pipeline: { name: names.pipeline },
    coordinator: { name: names.coordinator },
    worker: { name: names.worker },
  };
}
