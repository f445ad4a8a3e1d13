import type { StorageDescription } from '../../../storage/storage.ts';
import { durationMs, integer, ruleOf, secret } from '../../../util/option-rules.ts';
import type { OptionRule, OptionRules } from '../../../util/options.ts';
import { actorNameRule } from '../protocol/actor-names.ts';

/** Options of {@link RestateService.start}. */
export interface RestateServiceOptions {
  /** Storage of the applications, the same as that of the runners. Other processes must be able to open it. */
  readonly storage?: StorageDescription;
  /** Name that tells the actors from those of other systems in the engine. @default the name of the system */
  readonly systemActorName?: string;
  /** TCP port at which the service listens for the engine; 0 chooses a free one. @default 9080 */
  readonly port?: number;
  /** Address at which the service listens. @default all addresses */
  readonly hostname?: string;
  /**
   * Public keys of the engines that may call the service, each starting with `publickeyv1_`; calls without a valid
   * signature are rejected.
   *
   * @default calls are not verified
   */
  readonly identityKeys?: readonly string[];
  /** Most notifications processed in one transaction. @default 500 */
  readonly batchSize?: number;
  /** Most events in the cache of an application. @default 10000 */
  readonly cacheSize?: number;
  /** Time that `close()` gives running steps to end, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
}
