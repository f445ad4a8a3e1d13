import { KahnError } from '../../util/errors.ts';

/** A function of `defineEvents()` cannot convert a recorded event, or no function converts its version. */
export class UpcastError extends KahnError {
  override readonly code = 'UPCAST_FAILED';
  /** Type of the event without its version. */
  declare readonly eventType: string;
  /** Version of the data that could not be converted. */
  declare readonly dataVersion: number;

  constructor(
    { name: eventType, version: dataVersion }: { readonly name: string; readonly version: number },
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, { ...options, eventType, dataVersion });
  }
}
