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
    const { code, message } = cause as { code?: unknown; message: string };
    const isIncomplete = / imported from .*@restatedev[\\/]/.test(message); // a dependency of the SDK is missing
    if (code !== 'ERR_MODULE_NOT_FOUND' || isIncomplete) throw cause;
    throw new InvalidOptionError(
      "RestateService needs '@restatedev/restate-sdk', which is not installed. Run: npm install @restatedev/restate-sdk",
      { cause },
    );
  }
}
