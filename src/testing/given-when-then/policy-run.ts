import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { whenSealed } from '../../application/personal/seal-personal.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { commandProvenance } from '../../application/recording/save-options.ts';
import { eventsIn } from '../../domain/events/split-event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import type { ProcessEvent } from '../../storage/recorder.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import type { KnownIds } from './derived-id.ts';
import { openApplications, type TestSetting } from './open-applications.ts';
import { assertEmitted, statedEvents, type Versions } from './stated-events.ts';

/** Events of one call of `when()`. */
export interface StatedWhen {
  readonly upstreamClass: ApplicationClass;
  readonly events: readonly unknown[];
}

/** What a test states about a policy. */
export interface PolicyScenario extends Omit<TestSetting, 'recorded' | 'derived'> {
  readonly applicationClass: ApplicationClass;
  readonly given: readonly unknown[];
  readonly whens: readonly StatedWhen[];
  /** Creates tables with the handle by which the policy records rows. */
  createTables?(handle: unknown): unknown;
}

/** What a policy did. */
export interface PolicyOutcome extends KnownIds {
  /** Events that the policy recorded, as they are read, in the order in which they were recorded. */
  readonly events: readonly RecordedEvent[];
  /** The error of the run, if the policy failed. */
  readonly error: unknown;
  /** Types of events of upstreams that the test states and the policy ignores. */
  readonly ignoredTypes: readonly string[];
  /** The application, which is open until the outcome is checked. */
  readonly application: ProcessApplication;
}

/** Runs a policy as a test states it, and calls a function with the outcome before everything is closed. */
export async function runPolicyTest(
  scenario: PolicyScenario,
  check: (outcome: PolicyOutcome) => void | Promise<void>,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const { applicationClass, whens } = scenario;
  const recorded: StoredEvent[] = [];
  const derivedIds = new Set<string>();
  const classes = new Set([applicationClass, ...whens.map(({ upstreamClass }) => upstreamClass)]);
  const setting = {
    ...scenario,
    recorded: (applicationName: string, events: readonly StoredEvent[]) => {
      if (applicationName === applicationClass.applicationName) recorded.push(...events);
    },
    derived: (id: string) => derivedIds.add(id),
  };
  const applications = await openApplications(classes, setting, opened);
  await check({ ...(await new PolicyRun(scenario, applications, recorded).outcome()), derivedIds });
}

/** Records what a test states, and lets the application follow it. */
class PolicyRun {
  readonly #scenario: PolicyScenario;
  readonly #applications: ReadonlyMap<string, Application>;
  readonly #application: ProcessApplication;
  /** Events that the application has just recorded. */
  readonly #recorded: StoredEvent[];
  /** Newest versions of the aggregates that the test states, by application. */
  readonly #versions = new Map<string, Versions>();

  constructor(
    scenario: PolicyScenario,
    applications: ReadonlyMap<string, Application>,
    recorded: StoredEvent[],
  ) {
    this.#scenario = scenario;
    this.#applications = applications;
    this.#application = applications.get(scenario.applicationClass.applicationName) as ProcessApplication;
    this.#recorded = recorded;
  }

  async outcome(): Promise<Omit<PolicyOutcome, 'derivedIds'>> {
    const { given, whens, applicationClass } = this.#scenario;
    await this.#record(this.#application, given, `given(${applicationClass.name}, …)`);
    await this.#follow();
    const effects: StoredEvent[] = [];
    const types = new Set<string>();
    let error: unknown;
    for (const { upstreamClass, events } of whens) {
      const upstream = this.#applications.get(upstreamClass.applicationName) as Application;
      for (const type of await this.#record(upstream, events, `when(${upstreamClass.name}, …)`))
        types.add(type);
      error = await this.#application.run().then(
        () => undefined,
        (reason) => reason,
      );
      effects.push(...this.#recorded.splice(0));
      if (error !== undefined) break;
    }
    const { mapper } = applicationInternals.storeOf(this.#application);
    const { policy } = this.#application;
    return {
      events: effects.flatMap((stored) => eventsIn(mapper.toRecorded(stored))),
      error,
      statedIds: new Set([...this.#versions.values()].flatMap((versions) => [...versions.keys()])),
      application: this.#application,
      ignoredTypes: [...types].filter((type) => policy.handlerOf(type) === undefined),
    };
  }

  /** Records events that a test states, in the log of their application. Resolves with their types. */
  async #record(
    application: Application,
    given: readonly unknown[],
    call: string,
  ): Promise<readonly string[]> {
    const { applicationName } = application;
    const store = applicationInternals.storeOf(application);
    const versions = this.#versions.get(applicationName) ?? new Map<string, number>();
    this.#versions.set(applicationName, versions);
    const stated = statedEvents(given, versions, call);
    assertEmitted(stated, application.constructor as unknown as ApplicationClass, call);
    if (stated.length === 0) return [];
    const provenances = stated.map(({ options }) => commandProvenance(options, store.mapper, call));
    const pending = stated.map((one) => one.pending);
    const prepared = await whenSealed(store.mapper, () =>
      store.prepare(pending, [], (index) => provenances[index] ?? {}),
    );
    await store.record([prepared]);
    this.#recorded.length = 0;
    return pending.map(({ event }) => event.type);
  }

  /** Makes the application follow its upstreams, behind what their logs hold. Its own log holds the given events. */
  async #follow(): Promise<void> {
    const { recorder, pipelineId } = applicationInternals.storeOf(this.#application);
    const followed = new Set(this.#scenario.whens.map(({ upstreamClass }) => upstreamClass.applicationName));
    const logs = [...this.#applications.values()].map(({ log }) => log);
    const processEvents: ProcessEvent[] = [];
    for (const log of logs.filter(({ applicationName }) => followed.has(applicationName))) {
      const { applicationName: upstreamName } = log;
      const { position: expected, typesVersion } = await recorder.position(pipelineId, upstreamName);
      const tracking = { upstreamName, expected, position: await log.head(), typesVersion };
      processEvents.push({ events: [], snapshots: [], tracking });
      this.#application.follow(log);
    }
    await this.#recordWithTables(processEvents);
    await processApplicationInternals.locate(this.#application);
  }

  /** Records positions, and the tables that the test creates. */
  async #recordWithTables(processEvents: readonly ProcessEvent[]): Promise<void> {
    const { recorder, pipelineId } = applicationInternals.storeOf(this.#application);
    const { createTables } = this.#scenario;
    const lock = createTables && (await recorder.lock?.());
    try {
      await createTables?.(lock?.handle);
      await (lock ?? recorder).record(pipelineId, processEvents);
    } finally {
      await lock?.release();
    }
  }
}
