import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { ownedBinding } from '../../application/application-binding.ts';
import type { ApplicationDeclaration } from '../../application/declaration.ts';
import { openStore } from '../../application/open-store.ts';
import type { Policy, PolicyHandlers } from '../../application/policy/policy.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import { openResources } from '../../application/resources/open-resources.ts';
import { storageLayers } from '../../application/storage-layers.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { openStorage, type StorageDescription, type StorageLayer } from '../../storage/storage.ts';
import { recordingOptions, type System, servedNameOf } from '../../system/system.ts';
import { type AnyHandler, type DerivedListener, observedHandlers } from './observed-policy.ts';
import { observing, type RecordedListener } from './observed-storage.ts';

/** Where applications are opened, and with what. */
export interface TestSetting {
  readonly system: System;
  readonly storage: StorageDescription;
  /** Resources in place of those that the system defines. */
  readonly resources: object;
  /** Called with all events that are recorded. */
  readonly recorded: RecordedListener;
  /** Called with all ids that policies derive. */
  readonly derived: DerivedListener;
}

/** Opens applications as a runner does, without followers. Returns them by their names; `opened` closes them. */
export async function openApplications(
  classes: ReadonlySet<ApplicationClass>,
  { system, storage, resources, recorded, derived }: TestSetting,
  opened: AsyncDisposableStack,
): Promise<ReadonlyMap<string, Application>> {
  const options = recordingOptions(system);
  const declarations = system.applications.map(recordedHere);
  const layers = storageLayers(declarations, options, servedNameOf(system));
  const openedStorage = await openStorage(storage, { layers: observedIn(layers, recorded) });
  opened.defer(() => openedStorage.close());
  const { values } = opened.use(await openResources(system.resources, { replaced: resources }));
  const applications = new Map<string, Application>();
  for (const applicationClass of classes) {
    const store = await openStore(applicationClass, openedStorage, options);
    opened.defer(() => store.recorder.close());
    const application = new (testedClass(applicationClass, derived))();
    applicationInternals.bind(application, ownedBinding(store, undefined, values));
    applications.set(applicationClass.applicationName, application);
  }
  return applications;
}

/** Returns a declaration whose log is in the storage of the test, also if another system serves it. */
function recordedHere(declaration: ApplicationDeclaration): ApplicationDeclaration {
  if (declaration.remote === undefined) return declaration;
  const { remote: _, ...others } = declaration;
  return others;
}

/**
 * Returns a copy of a class whose failures reach the test at once, because no error rule retries or parks, and whose policy
 * calls a listener with the ids that it derives.
 */
function testedClass(applicationClass: ApplicationClass, derived: DerivedListener): ApplicationClass {
  class Tested extends (applicationClass as unknown as new () => ProcessApplication) {
    static readonly errorRules = [];
    declare readonly policy: Policy;

    protected override when(
      handlers: PolicyHandlers<DomainEvent, DomainEvent>,
      otherwise?: AnyHandler,
    ): Policy {
      const policy = super.when(handlers, otherwise);
      return Object.assign(policy, { handlerOf: observedHandlers(policy.handlerOf, derived) });
    }
  }
  const copy = Object.defineProperty(Tested, 'name', { value: applicationClass.name });
  return copy as unknown as ApplicationClass;
}

/** Adds a layer that sees names as applications have them, and texts as applications write them. */
function observedIn(
  [sealing, ...others]: readonly StorageLayer[],
  recorded: RecordedListener,
): readonly StorageLayer[] {
  const personal = others.splice(-1);
  return sealing === undefined ? [] : [sealing, ...others, observing(recorded), ...personal];
}
