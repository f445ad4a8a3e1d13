import { setImmediate as nextTurn } from 'node:timers/promises';

const sliceMs = 10;
let sliceStart = 0;
let turn: Promise<void> | undefined;

/**
 * Lets timers, signals and input have their turn if this thread has not done so for 10 ms: storage in this
 * thread answers at once, so that a long row of awaits would otherwise hold them up. Whoever waits at the
 * same time goes on at the same time.
 */
export async function yieldIfBusy(): Promise<void> {
  if (performance.now() - sliceStart < sliceMs) return;
  turn ??= nextTurn().then(() => {
    sliceStart = performance.now();
    turn = undefined;
  });
  await turn;
}
