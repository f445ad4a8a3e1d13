import { assignmentsOf } from '../../../runner/asynchronous/assignment.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import { newId } from '../../../util/ids.ts';
import { RemoteError } from '../../../util/portable-error.ts';
import { type EngineClient, isUnreachable, type Target } from '../engine/engine-client.ts';
import { ActorsMismatchError, EngineError } from '../errors.ts';
import {
  type ActorAddress,
  type ActorNames,
  actorKey,
  actorNames,
  systemKey,
} from '../protocol/actor-names.ts';
import type { ProcessStatus, StartSystem, SystemStarted } from '../protocol/messages.ts';
import type { RestateSettings } from './restate-runner-options.ts';
import { SingleFlight } from './single-flight.ts';

/** How an application in a pipeline is doing, as its coordinator says. */
export interface ActorStatus extends ActorAddress {
  readonly state: ProcessStatus['state'];
  readonly lastError: unknown;
}

/** How all of them are doing, by their keys. */
export type ActorStatuses = ReadonlyMap<string, ActorStatus>;

/** How long services have to start the actors of one pipeline, */
const startTimeoutMs = 15_000;
/** and how much longer for each further one. */
const furtherPipelineMs = 500;
/** How long they have to say how they are doing. */
const statusTimeoutMs = 5_000;
/** How long they have to take back what was begun. */
const takeBackTimeoutMs = 3_000;

/** The actors of a system, as a runner speaks with them. */
export class ActorClient {
  readonly #engine: EngineClient;
  readonly #settings: RestateSettings;
  readonly #graph: SystemGraph;
  readonly #names: ActorNames;
  /** Whose calls they are, should the engine be asked again what came of one. */
  readonly #callerId = newId();
  /** What each pipeline is asked for its status by. */
  readonly #inquiries: ReadonlyMap<number, SingleFlight<readonly ActorStatus[]>>;

  /** Nothing is asked for a status any more when `life` is aborted. */
  constructor(engine: EngineClient, settings: RestateSettings, graph: SystemGraph, life: AbortSignal) {
    this.#engine = engine;
    this.#settings = settings;
    this.#graph = graph;
    this.#names = actorNames(settings.systemActorName);
    this.#inquiries = new Map(
      settings.pipelineIds.map((pipelineId) => [
        pipelineId,
        new SingleFlight((callKey) => this.#statusesIn(pipelineId, callKey, life)),
      ]),
    );
  }

  /**
   * Starts them, or those that have failed.
   *
   * @throws EngineError if the engine cannot be reached or is no good, or no service answers it.
   * @throws ActorsMismatchError if they run, or are served, otherwise.
   */
  async start(pollIntervalMs: number, signal: AbortSignal): Promise<void> {
    await this.#engine.assertServes(Object.values(this.#names), signal);
    const { pipelineIds, systemActorName } = this.#settings;
    const callerId = this.#callerId;
    const message: StartSystem = { graph: this.#graph, pipelineIds, pollIntervalMs, callerId };
    const timeoutMs = startTimeoutMs + furtherPipelineMs * (pipelineIds.length - 1);
    const timeout = AbortSignal.timeout(timeoutMs);
    const patience = AbortSignal.any([signal, timeout]);
    const answer = await this.#startWith(message, patience).catch((error) => {
      throw timeout.aborted && !signal.aborted ? this.#noAnswer(timeoutMs, error) : error;
    });
    if (answer.isRefused) {
      throw new ActorsMismatchError(`System '${systemActorName}' cannot be run as asked: ${answer.reason}`);
    }
  }

  /** Undoes what {@link start} has started or, by the call with this id, begun to start, unless others have joined. */
  async takeBack(startId?: string): Promise<void> {
    // If it cannot be killed, it has come to its end.
    if (startId !== undefined) await this.#engine.kill(startId).catch(() => {});
    const callerId = this.#callerId;
    const patience = AbortSignal.timeout(takeBackTimeoutMs);
    const callId = await this.#engine.begin(
      this.#system('takeBack'),
      { callerId },
      `${callerId} take back`,
      patience,
    );
    // If there is no answer, there is no service that could have started anything.
    await this.#engine.answerTo(callId, patience).catch(() => this.#engine.kill(callId));
  }

  /** Stops them; resolves when nothing of them runs any more. */
  async stop(signal: AbortSignal): Promise<void> {
    const callKey = `${this.#callerId} shutDown`;
    const callId = await this.#engine.begin(this.#system('shutDown'), undefined, callKey, signal);
    await this.#engine.answerTo(callId, signal);
  }

  /** Tells those who follow it of a log that has grown; resolves when they know, once for each key. */
  async prompt(place: ActorAddress, head: number, callKey: string, signal: AbortSignal): Promise<void> {
    const { applicationName, pipelineId } = place;
    await this.#engine.call(this.#pipeline(pipelineId, 'prompt'), { applicationName, head }, callKey, signal);
  }

  /** How all that follow others are doing; interrupted, where nobody can be asked. */
  async statuses(signal: AbortSignal): Promise<ActorStatuses> {
    const roles = assignmentsOf(this.#graph, this.#settings.pipelineIds);
    const all = [...this.#inquiries].map(async ([pipelineId, inquiry]): Promise<readonly ActorStatus[]> => {
      const answer = await inquiry.answer(statusTimeoutMs, signal).catch((error) => {
        if (!isUnreachable(error)) throw error;
        return error as EngineError;
      });
      if (Array.isArray(answer)) return answer;
      const lastError = answer ?? this.#noAnswer(statusTimeoutMs);
      return roles
        .filter((role) => role.pipelineId === pipelineId)
        .map((role) => ({ ...role, state: 'interrupted', lastError }));
    });
    return new Map((await Promise.all(all)).flat().map((status) => [actorKey(status), status]));
  }

  async #startWith(message: StartSystem, patience: AbortSignal): Promise<SystemStarted> {
    const callKey = `${this.#callerId} start`;
    let callId: string | undefined;
    try {
      callId = await this.#engine.begin(this.#system('start'), message, callKey, patience);
      return (await this.#engine.answerTo(callId, patience)) as SystemStarted;
    } catch (error) {
      await this.takeBack(callId).catch(() => {}); // the engine is away: it gives the call up by itself
      throw error;
    }
  }

  async #statusesIn(
    pipelineId: number,
    callKey: string,
    signal: AbortSignal,
  ): Promise<readonly ActorStatus[]> {
    const answer = await this.#engine.call(this.#pipeline(pipelineId, 'status'), undefined, callKey, signal);
    const statuses = answer as readonly ProcessStatus[];
    return assignmentsOf(this.#graph, [pipelineId]).map(({ applicationName }) => {
      const status = statuses.find((one) => one.applicationName === applicationName);
      const lastError = status?.lastError && new RemoteError(status.lastError);
      return { applicationName, pipelineId, state: status?.state ?? 'stopped', lastError };
    });
  }

  #system(handler: 'start' | 'shutDown' | 'takeBack'): Target {
    return { service: this.#names.system, key: systemKey, handler };
  }

  #pipeline(pipelineId: number, handler: 'prompt' | 'status'): Target {
    return { service: this.#names.pipeline, key: `${pipelineId}`, handler };
  }

  #noAnswer(timeoutMs: number, cause?: unknown): EngineError {
    const url = this.#engine.ingressUrl;
    return new EngineError(
      'SERVICE_UNREACHABLE',
      url,
      `The actors of system '${this.#settings.systemActorName}' are registered with the Restate engine at ${url}, but no ` +
        `service has answered it within ${timeoutMs / 1_000} s: is a RestateService running where it is registered?`,
      { cause },
    );
  }
}
