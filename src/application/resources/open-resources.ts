import { inspect } from 'node:util';
import { unlessAborted } from '../../util/abort.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { ResourceError } from './errors.ts';
import { assertDefined } from './replaced-resources.ts';
import type { OpenResource, Resources } from './resources.ts';

/** The open resources of a thread or process. */
export interface OpenedResources extends AsyncDisposable {
  /** Resources by name. */
  readonly values: object;
}

export interface OpenResourcesOptions {
  /** Cancels the opening. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Resources that are used in place of those that would be opened. They are not closed. @default none */
  readonly replaced?: object | undefined;
  /** Longest time that closing one resource may take, in ms. @default 10_000 */
  readonly closeTimeoutMs?: number;
}

/** The resources of a system that has none. */
export const noResources: OpenedResources = {
  values: Object.freeze({}),
  [Symbol.asyncDispose]: async () => {},
};

/**
 * Opens resources one after the other; closes those that it has opened if one fails. They are closed in reverse order,
 * each even if another fails.
 *
 * @throws {@link InvalidOptionError} if a resource is replaced that is not defined.
 * @throws {@link ResourceError} if a resource cannot be opened.
 * @throws the reason of the signal if that is aborted first.
 */
export async function openResources(
  resources: Resources | undefined,
  options: OpenResourcesOptions = {},
): Promise<OpenedResources> {
  const { signal = new AbortController().signal, replaced = {}, closeTimeoutMs = 10_000 } = options;
  assertDefined(replaced, resources?.names ?? []);
  if (resources === undefined) return noResources;
  await using opened = new AsyncDisposableStack();
  const values = new ResourceValues();
  for (const [name, open] of resources.definitions) {
    signal.throwIfAborted();
    const value = Object.hasOwn(replaced, name)
      ? Reflect.get(replaced, name)
      : await openOne({ name, open, resources: values, signal, closeTimeoutMs }, opened);
    Object.defineProperty(values, name, { value, enumerable: true });
  }
  const closing = opened.move();
  return { values: Object.freeze(values), [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

interface Opening {
  readonly name: string;
  readonly open: OpenResource;
  /** The resources that are open already. */
  readonly resources: object;
  readonly signal: AbortSignal;
  readonly closeTimeoutMs: number;
}

/** Opens a resource; adds to `opened` what closes it. */
async function openOne(
  { name, open, resources, signal, closeTimeoutMs }: Opening,
  opened: AsyncDisposableStack,
): Promise<unknown> {
  const closing = new AsyncDisposableStack();
  let hasOwnClose = false;
  const onClose = (close: () => unknown) => {
    hasOwnClose = true;
    closing.defer(async () => void (await close()));
  };
  const opening = (async () => open({ resources, signal, onClose }))().then((value) => {
    if (!hasOwnClose && isDisposable(value)) closing.use(value);
    return value;
  });
  const close = async () => {
    try {
      const closed = (async () => closing.disposeAsync())();
      if (await resolvesWithin(closed, closeTimeoutMs)) return;
    } catch (cause) {
      throw new ResourceError(name, 'closed', cause);
    }
    throw new ResourceError(name, 'closed', new Error(`it took longer than ${closeTimeoutMs / 1_000} s`));
  };
  try {
    const value = await unlessAborted(opening, signal);
    opened.defer(close);
    return value;
  } catch (cause) {
    // After the opening has ended, which may be later if the start is cancelled.
    const closed = opening.then(close, close).catch(() => {}); // the first error is the one to report
    signal.throwIfAborted();
    await closed;
    throw new ResourceError(name, 'opened', cause);
  }
}

function isDisposable(value: unknown): value is AsyncDisposable | Disposable {
  const isObject = typeof value === 'object' || typeof value === 'function';
  if (!isObject || value === null) return false;
  return Symbol.asyncDispose in value || Symbol.dispose in value;
}

/** Resources by name. Prints the names alone, because resources may hold secrets. */
class ResourceValues {
  [inspect.custom](): string {
    return `Resources { ${Object.keys(this).join(', ')} }`;
  }
}
