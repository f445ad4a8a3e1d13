import { type Assignment, assignmentsOf } from '../../../runner/assignment.ts';
import type { Interruption } from '../../../runner/runner.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import { newId } from '../../../util/ids.ts';
import { RemoteError } from '../../../util/portable-error.ts';
import { retry } from '../../../util/retry.ts';
import { type EngineClient, isUnreachable, isUnregistered, type Target } from '../engine/engine-client.ts';
import { foreign } from '../engine/engine-request.ts';
import { ActorsMismatchError, EngineError } from '../errors.ts';
import {
  type ActorAddress,
  type ActorNames,
  actorKey,
  actorNames,
  systemKey,
} from '../protocol/actor-names.ts';
import type { ProcessStatus, StartSystem, SystemStarted } from '../protocol/messages.ts';
import { SingleFlight } from './single-flight.ts';

/** Status of an application in a pipeline, as its coordinator reports it. */
export interface ActorStatus extends ActorAddress {
  readonly state: ProcessStatus['state'];
  readonly lastError: unknown;
  readonly interruption: Interruption | undefined;
}

/** Statuses of all applications that follow others, by actor key. */
export type ActorStatuses = ReadonlyMap<string, ActorStatus>;

/** The system whose actors a client calls. */
export interface ActorSystem {
  readonly systemActorName: string;
  readonly pipelineIds: readonly number[];
  readonly graph: SystemGraph;
}

/** Time limit of a start with one pipeline, in ms, and the time added for each further pipeline. */
const startTimeoutMs = 15_000;
const furtherPipelineMs = 500;
const statusTimeoutMs = 5_000;
const takeBackTimeoutMs = 3_000;
/** Nodes of an engine learn of a registration after it was answered, so a start repeats a call for this long, in ms. */
const registrationTimeoutMs = 2_000;
const registrationBackoff = { firstMs: 50, maxMs: 200 };

/** Calls the actors of a system through an engine. */
export class ActorClient {
  readonly #engine: EngineClient;
  readonly #system: ActorSystem;
  readonly #names: ActorNames;
  /** Prefix of the call keys: a repeated call with the same key joins the first call. */
  readonly #callerId = newId();
  readonly #statusRequests: ReadonlyMap<number, SingleFlight<readonly ActorStatus[]>>;

  /** `signal` cancels status requests. */
  constructor(engine: EngineClient, system: ActorSystem, signal: AbortSignal) {
    this.#engine = engine;
    this.#system = system;
    this.#names = actorNames(system.systemActorName);
    this.#statusRequests = new Map(
      system.pipelineIds.map((pipelineId) => [
        pipelineId,
        new SingleFlight((callKey) => this.#statusesIn(pipelineId, callKey, signal)),
      ]),
    );
  }

  /**
   * Starts the actors, or resumes failed actors.
   *
   * @throws {@link EngineError} if the engine cannot be reached or used, or no service answers it.
   * @throws {@link ActorsMismatchError} if the actors run in other pipelines, or their service serves another version.
   */
  async start(pollIntervalMs: number, signal: AbortSignal): Promise<void> {
    await this.#engine.assertServes(Object.values(this.#names), signal);
    const { pipelineIds, systemActorName, graph } = this.#system;
    const message: StartSystem = { graph, pipelineIds, pollIntervalMs, callerId: this.#callerId };
    const timeoutMs = startTimeoutMs + furtherPipelineMs * (pipelineIds.length - 1);
    const timeout = AbortSignal.timeout(timeoutMs);
    const answer = await this.#startWith(message, AbortSignal.any([signal, timeout])).catch((error) => {
      throw timeout.aborted && !signal.aborted ? this.#noAnswer(timeoutMs, error) : error;
    });
    if (answer.isRefused) {
      throw new ActorsMismatchError(`System '${systemActorName}' cannot be started: ${answer.reason}`);
    }
  }

  /**
   * Undoes a start, or the call `startId` that has not finished it, unless other runners have joined. The system actor
   * takes both calls in turn, so a start under way ends first. Killing the start earlier would also kill the steps and
   * polls that coordinators have just scheduled for it.
   */
  async takeBack(startId?: string): Promise<void> {
    const callerId = this.#callerId;
    const callKey = `${callerId} take back`;
    const signal = AbortSignal.timeout(takeBackTimeoutMs);
    const callId = await this.#engine.begin(this.#systemActor('takeBack'), { callerId }, callKey, signal);
    await this.#engine.answerTo(callId, signal).catch(async () => {
      // Without an answer, there is no service that could have started anything.
      const unanswered = startId === undefined ? [callId] : [startId, callId];
      for (const id of unanswered) await this.#engine.kill(id).catch(() => {}); // a call that is not there has finished
    });
  }

  /** Shuts the actors down; resolves when the last step has ended. */
  async stop(signal: AbortSignal): Promise<void> {
    const callKey = `${this.#callerId} shutDown`;
    const callId = await this.#engine.begin(this.#systemActor('shutDown'), undefined, callKey, signal);
    await this.#engine.answerTo(callId, signal);
  }

  /** Sends a prompt, once per key; resolves when all followers of the log have received it. */
  async prompt(address: ActorAddress, head: number, callKey: string, signal: AbortSignal): Promise<void> {
    const { applicationName, pipelineId } = address;
    const message = { applicationName, head };
    await this.#engine.call(this.#pipelineActor(pipelineId, 'prompt'), message, callKey, signal);
  }

  /** Makes an application that has failed try again, in all pipelines. */
  async restart(applicationName: string, signal: AbortSignal): Promise<void> {
    for (const pipelineId of this.#system.pipelineIds) {
      const target = this.#pipelineActor(pipelineId, 'restart');
      await this.#engine.call(target, applicationName, newId(), signal);
      this.#statusRequests.get(pipelineId)?.renew(); // a request from before may be answered with the failure
    }
  }

  /** Returns all statuses. Applications count as interrupted while their actors cannot be reached. */
  async statuses(signal: AbortSignal): Promise<ActorStatuses> {
    const assignments = assignmentsOf(this.#system.graph, this.#system.pipelineIds);
    const requests = [...this.#statusRequests].map(async ([pipelineId, request]) => {
      const answer = await request.answer(statusTimeoutMs, signal).catch((error: unknown) => {
        if (isUnreachable(error)) return error as EngineError;
        throw error;
      });
      if (answer !== undefined && !(answer instanceof EngineError)) return answer;
      const lastError = answer ?? this.#noAnswer(statusTimeoutMs);
      return assignments
        .filter((assignment) => assignment.pipelineId === pipelineId)
        .map((assignment) => interrupted(assignment, lastError));
    });
    return new Map((await Promise.all(requests)).flat().map((status) => [actorKey(status), status]));
  }

  async #startWith(message: StartSystem, signal: AbortSignal): Promise<SystemStarted> {
    const callKey = `${this.#callerId} start`;
    let callId: string | undefined;
    try {
      callId = await retry(() => this.#engine.begin(this.#systemActor('start'), message, callKey, signal), {
        backoff: registrationBackoff,
        isTransient: isUnregistered,
        timeoutMs: registrationTimeoutMs,
        signal,
      });
      const answer = await this.#engine.answerTo(callId, signal);
      if (typeof answer !== 'object' || answer === null) throw foreign(this.#engine.ingressUrl);
      return answer as SystemStarted;
    } catch (error) {
      await this.takeBack(callId).catch(() => {}); // the engine is unreachable; it drops the call later
      throw error;
    }
  }

  async #statusesIn(
    pipelineId: number,
    callKey: string,
    signal: AbortSignal,
  ): Promise<readonly ActorStatus[]> {
    const target = this.#pipelineActor(pipelineId, 'status');
    const answer = await this.#engine.call(target, undefined, callKey, signal);
    if (!Array.isArray(answer)) throw foreign(this.#engine.ingressUrl);
    const statuses: readonly ProcessStatus[] = answer;
    return assignmentsOf(this.#system.graph, [pipelineId]).map(({ applicationName }) => {
      const status = statuses.find((one) => one.applicationName === applicationName);
      const { state = 'stopped', lastError: sent, interruption } = status ?? {};
      const lastError = sent && new RemoteError(sent);
      return { applicationName, pipelineId, state, lastError, interruption };
    });
  }

  #systemActor(handler: 'start' | 'shutDown' | 'takeBack'): Target {
    return { service: this.#names.system, key: systemKey, handler };
  }

  #pipelineActor(pipelineId: number, handler: 'prompt' | 'restart' | 'status'): Target {
    return { service: this.#names.pipeline, key: `${pipelineId}`, handler };
  }

  #noAnswer(timeoutMs: number, cause?: unknown): EngineError {
    const url = this.#engine.ingressUrl;
    return new EngineError(
      'SERVICE_UNREACHABLE',
      url,
      `The actors of system '${this.#system.systemActorName}' are registered with the Restate engine at ${url}, but no ` +
        `service answered within ${timeoutMs / 1_000} s: check that a RestateService is running at its registered URL.`,
      { cause },
    );
  }
}

function interrupted({ applicationName, pipelineId }: Assignment, lastError: EngineError): ActorStatus {
  return { applicationName, pipelineId, state: 'interrupted', lastError, interruption: undefined };
}
