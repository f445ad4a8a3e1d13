import type { Sdk } from './load-sdk.ts';

/**
 * Returns a message that has the form it must have. Otherwise the call fails at once with HTTP status 400: the engine
 * would repeat a call that fails for any other reason.
 *
 * @param call Name of the call, as in "start of system 'shop'".
 */
export function wellFormed<Message>(
  sdk: Sdk,
  message: unknown,
  isOfShape: (message: unknown) => message is Message,
  call: string,
): Message {
  if (isOfShape(message)) return message;
  throw new sdk.TerminalError(
    `The message of ${call} is malformed. Only runners of kahn call this handler.`,
    {
      errorCode: 400,
    },
  );
}
