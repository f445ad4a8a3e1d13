import type { PortableError } from '../../util/portable-error.ts';

/** A thread or process that runs one application for a runner. */
export interface SupervisedWorker {
  /** Asks it to let its work end. */
  close(): void;
  /** Ends it at once, if it has not ended; resolves when it is gone. */
  terminate(): Promise<unknown>;
}

/** Who hears of a peer. */
export interface WorkerHooks {
  hear(message: WorkerMessage): void;
  /** Called once, when it has ended, in whatever way, with what it died of. */
  ended(death: unknown): void;
}

/** What a peer says. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'prompted'; readonly upstreamNames: readonly string[] }
  | { readonly kind: 'processed'; readonly upstreamName: string; readonly count: number }
  /** It has come to rest for the first time since it was started. */
  | { readonly kind: 'rested' }
  | { readonly kind: 'interrupted'; readonly error: PortableError }
  | { readonly kind: 'failed'; readonly error: PortableError };

/** A peer has ended by itself, leaving no error. */
export class ExitedError extends Error {}

/** The program `name` beside a module: TypeScript where that is, and JavaScript where it has been built. */
export function siblingProgram(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
}
