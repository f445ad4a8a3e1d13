import type { ObjectOptions, VirtualObjectDefinition } from '@restatedev/restate-sdk';
import type { SystemGraph } from '../../system/graph.ts';
import type { ApplicationHost } from './application-host.ts';
import type { ActorNames } from './names.ts';
import type { Sdk } from './sdk.ts';

/** What the actors of a system have in common. */
export interface Cast {
  readonly sdk: Sdk;
  readonly graph: SystemGraph;
  readonly host: ApplicationHost;
  readonly system: ActorName;
  readonly pipeline: ActorName;
  readonly coordinator: ActorName;
  readonly worker: ActorName;
}

/** By what actors of a kind are called. */
export interface ActorName {
  readonly name: string;
}

/** Actors of a kind, as a service offers them to an engine. */
export type ActorDefinition<Handlers> = VirtualObjectDefinition<string, Handlers>;

const secondMs = 1_000;
const hourMs = 3_600_000;

const retryPolicy = { initialInterval: 50, exponentiationFactor: 2, maxInterval: 1_000 };

/** Calls that a caller waits for, or a poll makes up for, are given up after some 50 s, lest they pile up. */
export const passingCall: Pick<ObjectOptions, 'retryPolicy'> = {
  retryPolicy: { ...retryPolicy, maxAttempts: 54, onMaxAttempts: 'kill' },
};

/**
 * How the engine treats the actors. It calls again, for as long as it takes, when a service has died or is away; what
 * a policy or storage is in the way of is none of its business, so calls do not fail because of that. Nothing is kept
 * of calls that are done. Who waits for others is put aside soon, so that its service may end.
 */
export const actorOptions: ObjectOptions = {
  retryPolicy: { ...retryPolicy, maxAttempts: 2 ** 31 - 1 },
  inactivityTimeout: secondMs,
  abortTimeout: hourMs,
  journalRetention: 0,
  idempotencyRetention: 0,
};

/** A step may take long: one that is aborted is taken again. */
export const workerOptions: ObjectOptions = { ...actorOptions, abortTimeout: 2 * hourMs };

/** The actors of a system by their names. */
export function castOf(sdk: Sdk, names: ActorNames, graph: SystemGraph, host: ApplicationHost): Cast {
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

/** Who follows an application, by name. */
export function followersOf({ edges }: SystemGraph, applicationName: string): readonly string[] {
  return edges.filter(({ upstream }) => upstream === applicationName).map(({ downstream }) => downstream);
}
