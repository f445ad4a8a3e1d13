import { System } from 'kahn';
import { take } from '../../../runner/multi-threaded/file-flags.ts';
import { type Apps, invoicesOf, Orders } from '../../../support/systems/invoicing.ts';

/** Moments of a repetition at which the process is killed, if the flag of that name is raised: in the handler, or so many ms after it. */
export const moments = ['in the handler', '0', '1', '2', '4'] as const;

/** While it is raised, a process is killed in the second event that it handles again. */
export const secondEvent = 'second event';
let handledAgain = 0;

function dieIfAsked(isReplay: boolean): void {
  if (!isReplay) return;
  handledAgain += 1;
  if (handledAgain === 2 && take(secondEvent)) process.kill(process.pid, 'SIGKILL');
  for (const moment of moments) {
    if (!take(moment)) continue;
    const kill = () => process.kill(process.pid, 'SIGKILL');
    if (moment === 'in the handler') kill();
    else setTimeout(kill, Number(moment));
  }
}

export class DyingInvoices extends invoicesOf({ begins: 'end' }) {
  static override meanwhile = dieIfAsked;
}

export const dyingInvoicing: System<Apps> = System.of([[Orders, DyingInvoices as Apps]], {
  module: import.meta.url,
}) as System<Apps>;
