import { whenSealed } from '../personal/seal-personal.ts';
import { assertOutsideOfPolicies } from '../policy/current-policy.ts';
import type { CommitQueue } from '../recording/commit-queue.ts';
import type { EventStore } from '../recording/event-store.ts';
import { saveAggregates } from '../recording/save-aggregates.ts';
import { saveArguments } from '../recording/save-arguments.ts';
import { commandProvenance, type Saved, saveOptionsOf } from '../recording/save-options.ts';
import { keyedCommand, OnceRecordedSave } from './keyed-command.ts';

/** What a save is recorded with. */
export interface SaveParts {
  readonly store: EventStore;
  readonly queue: CommitQueue;
}

/** Implements {@link Application.save}. Throws the errors that it finds before anything is submitted. */
export function saveWith({ store, queue }: SaveParts, args: readonly unknown[]): Promise<Saved> {
  const { applicationName, mapper } = store;
  const { aggregates, options } = saveArguments(args, applicationName);
  assertOutsideOfPolicies(applicationName, 'save()', aggregates);
  const checked = options === undefined ? {} : saveOptionsOf(options, applicationName);
  const save = () => {
    const provenance = commandProvenance(checked, mapper, 'save()');
    const command = keyedCommand(checked, store, provenance.correlationId, 'save()');
    const extras = command && { keyed: new OnceRecordedSave(command) };
    return saveAggregates(aggregates, provenance, store, queue, extras);
  };
  return whenSealed<Promise<Saved> | Saved>(mapper, save) as Promise<Saved>;
}
