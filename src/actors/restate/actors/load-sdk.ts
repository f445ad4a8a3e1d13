import { isModuleMissing } from '../../../util/environment/bundle.ts';
import { messageOf } from '../../../util/errors.ts';
import { InvalidOptionError } from '../../../util/options.ts';

/** The part of the engine's SDK that the actors use. */
export type Sdk = Pick<
  typeof import('@restatedev/restate-sdk'),
  'createEndpointHandler' | 'handlers' | 'object' | 'RestatePromise' | 'rpc' | 'TerminalError'
>;

/** Loads the SDK. Throws {@link InvalidOptionError} if it is not installed. */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@restatedev/restate-sdk');
  } catch (cause) {
    // A dependency of the SDK may be missing instead.
    const isIncomplete = / imported from .*@restatedev[\\/]/.test(messageOf(cause));
    if (!isModuleMissing(cause) || isIncomplete) throw cause;
    throw new InvalidOptionError(
      "RestateService needs '@restatedev/restate-sdk', which is not installed. Run: npm install @restatedev/restate-sdk",
      { cause },
    );
  }
}
