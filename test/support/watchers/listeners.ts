import { expect, onTestFinished } from 'vitest';

type Listener = Parameters<EventTarget['addEventListener']>[1];

/** Listeners and timers of the test program and of clocks, which come and go. */
const others = 5;

/**
 * Returns a function that throws if listeners of abort signals or of this process, functions in sets, or timers were added
 * since this call and not removed.
 */
export function watchListeners(): () => void {
  const listening = new Map<EventTarget, Map<Listener, true>>();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (type === 'abort') listening.set(this, (listening.get(this) ?? new Map()).set(listener, true));
    addEventListener.call(this, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    if (type === 'abort') listening.get(this)?.delete(listener);
    removeEventListener.call(this, type, listener, options);
  };
  onTestFinished(() => void Object.assign(EventTarget.prototype, { addEventListener, removeEventListener }));
  const functionsInSets = countFunctionsInSets();
  const [onProcess, timers] = [listenersOfProcess(), runningTimers()];
  return () => {
    let onSignals = 0;
    for (const [signal, listeners] of listening)
      if (!(signal as AbortSignal).aborted) onSignals += listeners.size;
    expect(onSignals, 'listeners of signals').toBeLessThanOrEqual(others);
    expect(functionsInSets(), 'functions in sets').toBeLessThanOrEqual(others);
    expect(listenersOfProcess(), 'listeners of the process').toBe(onProcess);
    expect(runningTimers(), 'timers').toBeLessThanOrEqual(timers + others);
  };
}

/** Returns a function that counts the functions that were added to sets since this call and not deleted. */
function countFunctionsInSets(): () => number {
  const { add, delete: remove, clear } = Set.prototype;
  let count = 0;
  Set.prototype.add = function (value) {
    if (typeof value === 'function' && !this.has(value)) count += 1;
    return add.call(this, value);
  };
  Set.prototype.delete = function (value) {
    const isRemoved = remove.call(this, value);
    if (typeof value === 'function' && isRemoved) count -= 1;
    return isRemoved;
  };
  Set.prototype.clear = function () {
    for (const value of this) if (typeof value === 'function') count -= 1;
    clear.call(this);
  };
  onTestFinished(() => void Object.assign(Set.prototype, { add, delete: remove, clear }));
  return () => count;
}

function listenersOfProcess(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
