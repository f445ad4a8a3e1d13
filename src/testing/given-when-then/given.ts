import type { ApplicationClass } from '../../application/application.ts';
import { ProcessApplication } from '../../application/process-application.ts';
import { memory } from '../../storage/memory/index.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidArgumentError, resolveOptions } from '../../util/options.ts';
import { framesAbove } from '../frames-of-caller.ts';
import type {
  EmittedBy,
  ExpectedEvent,
  ExpectedRows,
  FollowedFrom,
  ResourcesUsedBy,
  RowsHandleOf,
  Stated,
  TestedClass,
} from './event-types.ts';
import { type GivenOptions, givenOptions } from './given-options.ts';
import { type CheckedPolicy, checkError, checkRecords, type ExpectedError } from './outcome-checks.ts';
import { type PolicyOutcome, runPolicyTest, type StatedWhen } from './policy-run.ts';
import type { Tables } from './table-rows.ts';
import { testedSystem } from './tested-system.ts';

/** An application of which a test has stated the events before. */
export interface GivenApplication<Class extends TestedClass> {
  /**
   * States events that an upstream records in one transaction. The application handles them, before those of the next
   * call.
   *
   * @param events Plain events, and aggregates that are not saved.
   */
  when<Upstream extends ApplicationClass>(
    upstream: Upstream,
    ...events: readonly Stated<EmittedBy<Upstream>, FollowedFrom<Upstream, Class>>[]
  ): PolicyTest<Class>;
}

/** A test of a policy. Runs, and closes everything, when its outcome is checked. */
export interface PolicyTest<Class extends TestedClass> extends GivenApplication<Class> {
  /**
   * Checks that the policy records these events and no others, in this order.
   *
   * @param events Events with the fields to compare, such as type and data. Ids that the policy makes are written as
   * {@link derivedId}.
   * @param rows Rows to compare as well, as in `thenRows`.
   * @throws `AssertionError` of `node:assert` with the difference.
   * @throws {@link PolicyError} if the policy fails.
   */
  then(events: readonly ExpectedEvent<EmittedBy<Class>>[], rows?: ExpectedRows<Class>): Promise<void>;
  /**
   * Checks that tables hold these rows and no others, in any order.
   *
   * @param rows Rows by the names of their tables, with the columns to compare.
   * @throws `AssertionError` of `node:assert` with the difference.
   * @throws {@link PolicyError} if the policy fails.
   */
  thenRows(rows: ExpectedRows<Class>): Promise<void>;
  /**
   * Checks that the policy fails.
   *
   * @param error Class of the expected error, a regular expression for its message, or fields such as `{ code: 'DECLINED' }`.
   * @throws `AssertionError` of `node:assert` if the policy does not fail, or fails with another error.
   */
  thenError(error: ExpectedError): Promise<void>;
}

/**
 * States the events that an application has recorded before a test of its policy. The policy then runs as with a runner, on
 * storage of its own: events are checked against schemas, recorded with causes, and read again.
 *
 * @param events Plain events, and aggregates that are not saved. Several tests may use the same aggregates.
 * @throws {@link InvalidArgumentError} if the class does not extend ProcessApplication.
 * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
 * @example
 * const order = Order.place('ada');
 * await given(Orders, [order])
 *   .when(Reservations, { type: 'Reservation.Created', data: { orderId: order.id }, originatorId: 'r-1' })
 *   .then([{ type: 'Order.Reserved', data: { reservationId: 'r-1' } }]);
 */
export function given<Class extends TestedClass>(
  applicationClass: Class,
  events: readonly Stated<EmittedBy<Class>>[] = [],
  options: GivenOptions<ResourcesUsedBy<Class>, RowsHandleOf<Class>> = {},
): GivenApplication<Class> {
  if (typeof applicationClass !== 'function' || !(applicationClass.prototype instanceof ProcessApplication)) {
    throw new InvalidArgumentError(
      `given() takes a class that extends ProcessApplication, as in given(Orders, [order]), not ${kindOf(applicationClass)}.`,
    );
  }
  if (!Array.isArray(events))
    throw new InvalidArgumentError(`given() takes an array of events, not ${kindOf(events)}.`);
  const resolved = resolveOptions(options as unknown as GivenOptions, givenOptions, 'given()');
  return new Statement(applicationClass, events, resolved, []);
}

/** What a test has stated so far. */
class Statement<Class extends TestedClass> implements PolicyTest<Class> {
  readonly #applicationClass: Class;
  readonly #given: readonly unknown[];
  readonly #options: GivenOptions;
  readonly #whens: readonly StatedWhen[];

  constructor(
    applicationClass: Class,
    givenEvents: readonly unknown[],
    options: GivenOptions,
    whens: readonly StatedWhen[],
  ) {
    this.#applicationClass = applicationClass;
    this.#given = givenEvents;
    this.#options = options;
    this.#whens = whens;
  }

  when(upstreamClass: ApplicationClass, ...events: readonly unknown[]): PolicyTest<Class> {
    const whens = [...this.#whens, { upstreamClass, events }];
    return new Statement(this.#applicationClass, this.#given, this.#options, whens);
  }

  // biome-ignore lint/suspicious/noThenProperty: to await the statement does not compile, and throws
  then(events: readonly ExpectedEvent[], rows?: Tables): Promise<void> {
    if (typeof events === 'function') {
      throw new InvalidArgumentError(
        'given(…).when(…) was awaited without a check. Add .then([…]) with the expected events, .thenRows({ … }) or ' +
          '.thenError(…).',
      );
    }
    if (!Array.isArray(events)) {
      const what = `then() takes an array of the expected events, not ${kindOf(events)}.`;
      return Promise.reject(new InvalidArgumentError(what));
    }
    return this.#check(checkRecords, { events, ...(rows && { rows }) }, this.then);
  }

  thenRows(rows: Tables): Promise<void> {
    return this.#check(checkRecords, { rows }, this.thenRows);
  }

  thenError(expected: ExpectedError): Promise<void> {
    return this.#check(checkError, expected, this.thenError);
  }

  async #check<Expected>(
    check: (policy: CheckedPolicy, outcome: PolicyOutcome, expected: Expected) => void | Promise<void>,
    expected: Expected,
    method: (...args: never) => unknown,
  ): Promise<void> {
    const frames = framesAbove(method);
    const applicationClass = this.#applicationClass;
    const { applicationName } = applicationClass;
    const { system, storage = memory(), resources = {}, createTables } = this.#options;
    const whens = this.#whens;
    if (whens.length === 0) {
      throw new InvalidArgumentError(
        'given(…) got a check without when(). State the events that the policy handles, as in .when(Reservations, event).',
      );
    }
    const scenario = {
      applicationClass,
      given: this.#given,
      whens,
      system: testedSystem(system, resources, applicationClass, whens),
      storage,
      resources,
      ...(createTables && { createTables }),
    };
    await inRootContext(runPolicyTest, scenario, (outcome: PolicyOutcome) =>
      check({ applicationName, frames }, outcome, expected),
    );
  }
}
