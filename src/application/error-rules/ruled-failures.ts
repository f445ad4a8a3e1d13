import { backoffMs } from '../../util/retry.ts';
import { now, simulatedTime } from '../../util/time.ts';
import { type PolicyError, PolicyRetryError } from '../following-errors.ts';
import type { ErrorRules } from './error-rules.ts';

/** What becomes of a notification on which the policy has failed. */
export type Ruling =
  | { readonly kind: 'stop' }
  | { readonly kind: 'park'; readonly attempts: number }
  | { readonly kind: 'retry'; readonly error: PolicyRetryError };

/** The notifications that are tried again by error rules: at most one of each upstream. */
export class RuledFailures {
  readonly #rules: ErrorRules;
  /** The last failure of the next notification, by upstream. */
  readonly #last = new Map<string, PolicyRetryError>();

  constructor(rules: ErrorRules) {
    this.#rules = rules;
  }

  /** Returns the last failure of an upstream whose next try must not begin yet. */
  resting(upstreamName: string): PolicyRetryError | undefined {
    if (this.#last.size === 0) return undefined;
    const last = this.#last.get(upstreamName);
    return last !== undefined && now() < last.nextTryAt ? last : undefined;
  }

  /** Forgets all failures. */
  clear(): void {
    this.#last.clear();
  }

  /** Decides by the rules on a failure of the next notification of an upstream. */
  rule(failed: PolicyError): Ruling {
    const { upstreamName, notificationId } = failed;
    const known = this.#last.get(upstreamName);
    const before = known?.notificationId === notificationId ? known : undefined;
    const at = now();
    const { tries = 0, since = at } = before ?? {};
    const decision = this.#rules.decide(failed, tries + 1);
    this.#last.delete(upstreamName);
    if (decision.kind !== 'retry') return { kind: decision.kind, attempts: tries + 1 };
    const delayMs = backoffMs(tries + 1, decision.backoff, random());
    const error = new PolicyRetryError(failed, {
      tries: tries + 1,
      since,
      nextTryAt: at + Math.ceil(delayMs),
    });
    this.#last.set(upstreamName, error);
    return { kind: 'retry', error };
  }
}

/** A simulation repeats itself: its delays are not random. */
function random(): () => number {
  return simulatedTime() === undefined ? Math.random : () => 1;
}
