import { describe } from 'vitest';
import { byTier } from '../support/tier.ts';
import { access, calls } from './contract/calls.ts';
import { changedShops } from './contract/changed-shops.ts';
import { commands } from './contract/commands.ts';
import { asynchronousContexts } from './contract/contexts.ts';
import { endlessPolicies } from './contract/endless-policies.ts';
import { evolvedLogs } from './contract/evolved-logs.ts';
import { lifecycle } from './contract/lifecycle.ts';
import { errorRules } from './contract/operating/error-rules.ts';
import { operating } from './contract/operating/operating.ts';
import { parked } from './contract/operating/parked.ts';
import { resumption } from './contract/operating/resumption.ts';
import { personalData } from './contract/personal-data.ts';
import { positions } from './contract/positions.ts';
import { eventOptions, processing, runnerScenario } from './contract/processing.ts';
import { beginnings } from './contract/repeating/beginnings.ts';
import { repetitionsInPipelines } from './contract/repeating/pipelines.ts';
import { repetitions } from './contract/repeating/repetitions.ts';
import { resources } from './contract/resources.ts';
import { projections } from './contract/rows/projections.ts';
import { timeouts } from './contract/rows/timeouts.ts';
import type { RunnerSubject } from './contract/subject.ts';
import { undeclaredEvents } from './contract/undeclared-events.ts';
import { policyRows } from './rows/rows-contract.ts';

/** Defines the first test of the contract in the quick tier, and the others in the exhaustive one. */
export function tieredRunnerContract(subject: RunnerSubject): void {
  byTier(runnerScenario, restOfContract)(subject);
}

/** Defines the tests that every runner passes on every storage. */
export function runnerContract(subject: RunnerSubject): void {
  runnerScenario(subject);
  restOfContract(subject);
}

function restOfContract(subject: RunnerSubject): void {
  describe(subject.name, () => {
    processing(subject);
    eventOptions(subject);
    commands(subject);
    positions(subject);
    beginnings(subject);
    repetitions(subject);
    repetitionsInPipelines(subject);
    changedShops(subject);
    personalData(subject);
    asynchronousContexts(subject);
    endlessPolicies(subject);
    evolvedLogs(subject);
    operating(subject);
    parked(subject);
    errorRules(subject);
    resumption(subject);
    lifecycle(subject);
    undeclaredEvents(subject);
    resources(subject);
    policyRows(subject);
    timeouts(subject);
    projections(subject);
    if (!subject.isFirstStorage) return;
    calls(subject);
    access(subject);
  });
}
