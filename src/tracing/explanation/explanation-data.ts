import type { Origin } from './cause-chain.ts';
import type { Cut } from './effect-tree.ts';
import type { TracedEffect, TracedEvent } from './traced-event.ts';

/** The parts of an {@link Explanation}, as plain data. */
export interface ExplanationData {
  /** The event that is explained, with everything that followed from it. */
  readonly event: TracedEffect;
  /** Causes of the event: its direct cause first, the event of a command last. */
  readonly causes: readonly TracedEvent[];
  /** Why the causes end. */
  readonly origin: Origin;
  /** Effects that are left out. */
  readonly cuts: readonly Cut[];
}
