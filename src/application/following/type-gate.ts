import type { StoredNotification } from '../../storage/stored-event.ts';
import type { OtherVersionReason } from '../following-errors.ts';
import type { Policy } from '../policy/policy.ts';

/** A notification that this version of the application must leave to another one. */
export interface BarredNotification {
  /** Index among the notifications that were checked. */
  readonly index: number;
  readonly notification: StoredNotification;
  readonly reason: OtherVersionReason;
}

/**
 * Holds back the notifications of an upstream that this version of the application must not ignore: their type is unknown
 * here, or another version handles it.
 */
export class TypeGate {
  readonly #policy: Policy;
  /** Types that the upstream declares; undefined if it declares none, so that no type is unknown. */
  readonly #declared: readonly string[] | undefined;
  /** Types that are handled here or may be ignored. */
  #passing: ReadonlySet<string> = new Set();
  /** Types that any version of the application handles, as recorded with the position. */
  #recorded: ReadonlySet<string> = new Set();

  constructor(policy: Policy, declared: readonly string[] | undefined) {
    this.#policy = policy;
    this.#declared = declared;
    this.setRecorded([]);
  }

  /** The declared types that the policy handles. */
  get handledTypes(): readonly string[] {
    return (this.#declared ?? []).filter((type) => this.#handles(type));
  }

  /** Sets the types that are recorded with the position as handled by some version. */
  setRecorded(types: readonly string[]): void {
    const recorded = new Set(types);
    const passes = (type: string) => this.#handles(type) || !recorded.has(type);
    this.#recorded = recorded;
    this.#passing = new Set((this.#declared ?? []).filter(passes));
  }

  /** Finds the first notification that must be left to another version. */
  firstBarred(notifications: readonly StoredNotification[]): BarredNotification | undefined {
    for (let index = 0; index < notifications.length; index += 1) {
      const notification = notifications[index] as StoredNotification;
      if (this.#passing.has(notification.type)) continue;
      const reason = this.#reasonAgainst(notification.type);
      if (reason !== undefined) return { index, notification, reason };
    }
    return undefined;
  }

  #reasonAgainst(type: string): OtherVersionReason | undefined {
    if (this.#handles(type)) return undefined;
    if (this.#recorded.has(type)) return 'TYPE_HANDLED_ELSEWHERE';
    return this.#declared === undefined ? undefined : 'UNKNOWN_TYPE';
  }

  #handles(type: string): boolean {
    return this.#policy.handlerOf(type) !== undefined;
  }
}
