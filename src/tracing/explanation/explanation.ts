import type { Origin } from './cause-chain.ts';
import { displayTree } from './display-tree.ts';
import type { Cut } from './effect-tree.ts';
import type { ExplanationData } from './explanation-data.ts';
import { mermaidOf } from './mermaid.ts';
import { textOf } from './text.ts';
import type { TracedEffect, TracedEvent } from './traced-event.ts';

/**
 * The causes and effects of an event, without event data. `String(explanation)` is a tree for a terminal.
 */
export class Explanation implements ExplanationData {
  readonly event: TracedEffect;
  readonly causes: readonly TracedEvent[];
  readonly origin: Origin;
  readonly cuts: readonly Cut[];

  /** @internal */
  constructor({ event, causes, origin, cuts }: ExplanationData) {
    this.event = event;
    this.causes = causes;
    this.origin = origin;
    this.cuts = cuts;
  }

  /**
   * Returns a tree for a terminal: the causes above the event, which is marked, and the effects below, with times since
   * the first of them. The lines have at most 100 columns unless names are long.
   */
  toString(): string {
    return textOf(displayTree(this));
  }

  /** Returns a Mermaid flowchart. */
  toMermaid(): string {
    return mermaidOf(displayTree(this));
  }

  /** Returns plain data for `JSON.stringify`. */
  toJSON(): ExplanationData {
    return { ...this };
  }
}
