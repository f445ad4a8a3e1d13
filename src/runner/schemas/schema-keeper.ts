import { setTimeout as delay } from 'node:timers/promises';
import type { OpenSchema } from '../../application/projection/open-schema.ts';
import { schemaNameOf } from '../../application/projection/projection-declaration.ts';
import { dropSchema, makeLive, noteDropped } from '../../application/projection/schema-setup.ts';
import { isTransient } from '../../storage/errors.ts';
import type { OpenedStorage } from '../../storage/storage.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { messageOf } from '../../util/errors.ts';
import { BuildTarget, type BuiltProjection } from './build-target.ts';

/** Interval between checks while a schema is being built, in ms. */
const buildingMs = 250;
/** Interval between checks for schemas that are to be dropped, in ms. */
const keptMs = 60_000;

/** Called before the schema of a projection becomes live. */
export type BeforeLive = (applicationName: string) => Promise<void>;

/** A projection, and what its schema has to reach. */
interface KeptProjection {
  readonly schema: OpenSchema;
  readonly target: BuildTarget;
}

/** Makes schemas live that have caught up, and drops earlier ones by rule, while a system runs. */
export class SchemaKeeper implements AsyncDisposable {
  readonly #openedStorage: OpenedStorage;
  readonly #projections: readonly KeptProjection[];
  readonly #beforeLive: BeforeLive;
  readonly #closed = new AbortController();
  readonly #running: Promise<void>;
  readonly #warned = new Set<string>();

  constructor(
    openedStorage: OpenedStorage,
    projections: readonly BuiltProjection[],
    beforeLive: BeforeLive = async () => {},
  ) {
    this.#openedStorage = openedStorage;
    this.#beforeLive = beforeLive;
    this.#projections = projections.map((projection) => ({
      schema: projection.recorder.schema,
      target: new BuildTarget(projection),
    }));
    this.#running = inRootContext(() => this.#run());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      for (const projection of this.#projections) {
        try {
          await this.#check(projection);
        } catch (error) {
          if (!signal.aborted) this.#warnOfError(projection.schema, error);
        }
      }
      const isBuilding = this.#projections.some(({ schema }) => schema.isBuilding);
      await delay(isBuilding ? buildingMs : keptMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #check({ schema, target }: KeptProjection): Promise<void> {
    const { history } = schema;
    await history.refresh();
    const { live } = history;
    const isNewer = live !== undefined && live.schema < schema.schema;
    if (isNewer && (await target.isReached()) && !this.#closed.signal.aborted) {
      await this.#beforeLive(schema.applicationName);
      await makeLive(schema, `it has caught up with schema ${live.schema}`);
    }
    if (isNewer && target.unbuiltPipelines.length > 0) this.#warnOfUnbuilt(schema, target.unbuiltPipelines);
    await this.#dropEarlier(schema);
  }

  /** Drops the schemas before the live one, if that is the schema of this program and has been live for long enough. */
  async #dropEarlier(schema: OpenSchema): Promise<void> {
    const { history, applicationName, dropAfterMs } = schema;
    const { live } = history;
    if (live?.schema !== schema.schema || Date.now() - live.timestamp < dropAfterMs) return;
    const names = new Set(await this.#openedStorage.applicationNames());
    for (let earlier = 1; earlier < schema.schema; earlier += 1) {
      const name = schemaNameOf(applicationName, earlier);
      if (!names.has(name) || history.wasDropped(earlier) || this.#closed.signal.aborted) continue;
      const recorder = await this.#openedStorage.openRecorder({ applicationName: name, setupTables: false });
      try {
        await dropSchema(schema, recorder, earlier);
        await noteDropped(schema, earlier);
      } finally {
        await recorder.close();
      }
    }
  }

  /** Emits a warning for an error that keeps a schema from being switched to or dropped, once. The next check tries again. */
  #warnOfError({ applicationName, schema }: OpenSchema, error: unknown): void {
    if (isTransient(error)) return;
    this.#warnOnce(
      `Projection '${applicationName}' cannot be switched to schema ${schema}, or an earlier schema cannot be dropped. kahn ` +
        `tries again. ${messageOf(error)}`,
    );
  }

  #warnOfUnbuilt({ applicationName, schema, history }: OpenSchema, pipelineIds: readonly number[]): void {
    const live = history.live?.schema;
    const pipelines = `pipeline${pipelineIds.length > 1 ? 's' : ''} ${pipelineIds.join(', ')}`;
    this.#warnOnce(
      `Projection '${applicationName}' stays at schema ${live}: it has rows of ${pipelines}, where no runner builds schema ` +
        `${schema}. To switch to schema ${schema}, run ${pipelines} until it is live.`,
    );
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    process.emitWarning(message, { type: 'KahnWarning', code: 'KAHN_SCHEMA_KEPT' });
  }
}
