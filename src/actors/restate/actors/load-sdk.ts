import { InvalidOptionError } from '../../../util/options.ts';

/** What is used of the SDK of the engine. */
export type Sdk = Pick<
  typeof import('@restatedev/restate-sdk'),
  'createEndpointHandler' | 'handlers' | 'object' | 'RestatePromise' | 'rpc'
>;

/** The SDK, or an error that says how to install it. */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@restatedev/restate-sdk');
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message: string };
    const isIncomplete = / imported from .*@restatedev[\\/]/.test(message); // something that it needs is not there
    if (code !== 'ERR_MODULE_NOT_FOUND' || isIncomplete) throw cause;
    throw new InvalidOptionError(
      "RestateService needs '@restatedev/restate-sdk', which is not installed. Run: npm install @restatedev/restate-sdk",
      { cause },
    );
  }
}
