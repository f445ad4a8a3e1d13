import { type Fault, type FaultMoment, moments } from './faults.ts';
import { randomNumbers } from './random-numbers.ts';

/** A fault that passes: the same call succeeds later. */
export type PassingFault = Exclude<Fault, 'crash'> | 'failed read';

/** Which part of the calls fails, and how. */
export interface RandomFaults {
  readonly seed: number;
  readonly rate: number;
  readonly faults: readonly PassingFault[];
}

/** Draws faults for calls. The n-th recording of an application, and its n-th read, always meet the same for a seed. */
export class SeededFaults {
  readonly #options: RandomFaults;
  readonly #recordingFaults: readonly Exclude<Fault, 'crash'>[];
  readonly #streams = new Map<string, () => number>();
  #hasBegun = false;

  constructor(options: RandomFaults) {
    this.#options = options;
    this.#recordingFaults = options.faults.filter((fault) => fault !== 'failed read');
  }

  /** Begins to let calls fail. Until then, none does: a runner that starts rejects at the first failure. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** Draws the fault of the next recording of an application. */
  recording(applicationName: string): { readonly fault: Fault; readonly moment: FaultMoment } | undefined {
    if (!this.#strikes(`records ${applicationName}`)) return undefined;
    const fault = this.#pick(`records ${applicationName}`, this.#recordingFaults);
    if (fault === undefined) return undefined;
    return { fault, moment: this.#pick(`records ${applicationName}`, moments[fault]) ?? 'before' };
  }

  /** Draws whether the next read of an application fails. */
  failsRead(applicationName: string): boolean {
    return this.#options.faults.includes('failed read') && this.#strikes(`reads ${applicationName}`);
  }

  #strikes(stream: string): boolean {
    return this.#hasBegun && this.#random(stream) < this.#options.rate;
  }

  #pick<T>(stream: string, choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.#random(stream) * choices.length)];
  }

  #random(stream: string): number {
    let next = this.#streams.get(stream);
    if (next === undefined) {
      next = randomNumbers(Array.from(stream).reduce(mixed, this.#options.seed));
      this.#streams.set(stream, next);
    }
    return next();
  }
}

/** Mixes a character into a seed (FNV-1a). */
function mixed(seed: number, character: string): number {
  return Math.imul(seed ^ (character.codePointAt(0) ?? 0), 0x01000193);
}
