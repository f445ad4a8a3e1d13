import { readOperations } from '../../../application/control/read-operations.ts';
import { recordedNameIn } from '../../../storage/layers/forwarding-recorder.ts';
import type { RecordedOperation, Recorder } from '../../../storage/recorder.ts';
import { type FaultDetails, faultIn } from '../fault.ts';
import type { FaultList } from '../verification.ts';
import { type CheckedDetails, checkedDetailsOf } from './readable-operations.ts';

/** The notification with the largest id that operations name in one log. */
interface Named {
  readonly operation: RecordedOperation;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
}

/** Checks that the operations on record can be read, and that what they name is on record. */
export async function checkOperations(
  recorders: ReadonlyMap<string, Recorder>,
  faults: FaultList,
): Promise<void> {
  for (const [applicationName, recorder] of recorders)
    await new OperationCheck(applicationName, recorder, recorders, faults).run();
}

/** Checks the operations of one application, in bounded memory. */
class OperationCheck {
  readonly #applicationName: string;
  readonly #recorder: Recorder;
  readonly #recorders: ReadonlyMap<string, Recorder>;
  readonly #faults: FaultList;
  /** By log; of operations since the position in it was last moved by hand. */
  readonly #named = new Map<string, Named>();
  readonly #replays = new Set<string>();

  constructor(
    applicationName: string,
    recorder: Recorder,
    recorders: ReadonlyMap<string, Recorder>,
    faults: FaultList,
  ) {
    this.#applicationName = applicationName;
    this.#recorder = recorder;
    this.#recorders = recorders;
    this.#faults = faults;
  }

  async run(): Promise<void> {
    for await (const page of readOperations(this.#recorder)) for (const one of page) await this.#pass(one);
    for (const one of this.#named.values()) await this.#checkNamed(one);
  }

  async #pass(operation: RecordedOperation): Promise<void> {
    const details = checkedDetailsOf(operation);
    if (details === undefined) {
      this.#add(operation, { kind: 'operation-damaged', notificationId: 0, message: 'cannot be read.' });
      return;
    }
    const { upstreamName, to } = details;
    switch (operation.kind) {
      case 'reposition': // as after the restore of an earlier log: what was behind that place is given up
        this.#forget(details);
        break;
      case 'begin':
      case 'reset':
        this.#name(operation, details, upstreamName, to);
        break;
      case 'replay':
        this.#replays.add(details.id);
        this.#name(operation, details, upstreamName, to);
        break;
      case 'replay-end':
        if (!this.#replays.has(details.id))
          this.#add(operation, {
            kind: 'operation-mismatch',
            notificationId: 0,
            message: `ends replay '${details.id}', whose beginning is not on record.`,
          });
        break;
      case 'retry':
        for (const one of details.notifications)
          this.#name(operation, details, one.upstreamName, one.notificationId);
        break;
      case 'retried':
        this.#name(operation, details, upstreamName, details.notificationId);
        await this.#checkEffects(operation, details);
        break;
    }
  }

  #name(
    operation: RecordedOperation,
    { pipelineId }: CheckedDetails,
    upstreamName: string,
    notificationId: number,
  ): void {
    const key = keyOf(pipelineId, upstreamName);
    if ((this.#named.get(key)?.notificationId ?? 0) >= notificationId) return;
    this.#named.set(key, { operation, upstreamName, pipelineId, notificationId });
  }

  #forget({ pipelineId, upstreamName, to }: CheckedDetails): void {
    const key = keyOf(pipelineId, upstreamName);
    if ((this.#named.get(key)?.notificationId ?? 0) > to) this.#named.delete(key);
  }

  /** Adds a fault if the log of an upstream ends before a notification. It is read now, since logs only grow. */
  async #checkNamed({ operation, upstreamName, pipelineId, notificationId }: Named): Promise<void> {
    const name = this.#nameOf(upstreamName);
    const head = await this.#recorders.get(name)?.head(pipelineId);
    if (head === undefined || notificationId <= head) return;
    const message = `names notification ${notificationId} of '${name}', but that log ends at ${head}.`;
    this.#add(
      operation,
      { kind: 'operation-mismatch', notificationId, upstreamName: name, message },
      pipelineId,
    );
  }

  async #checkEffects(
    operation: RecordedOperation,
    { pipelineId, after, effects }: CheckedDetails,
  ): Promise<void> {
    const notificationId = effects === 0 ? 0 : after + effects;
    const head = notificationId === 0 ? 0 : await this.#recorder.head(pipelineId);
    if (notificationId <= head) return;
    const message = `names effects up to notification ${notificationId}, but the log ends at ${head}.`;
    this.#add(operation, { kind: 'operation-mismatch', notificationId, message }, pipelineId);
  }

  /** Returns the name of an application, given the name under which storage keeps its log. */
  #nameOf(recordedName: string): string {
    for (const name of this.#recorders.keys())
      if (recordedNameIn(this.#recorder, name) === recordedName) return name;
    return recordedName;
  }

  #add({ id, kind }: RecordedOperation, details: FaultDetails, pipelineId = 0): void {
    const message = `operation ${id} ('${kind}') ${details.message}`;
    const log = { applicationName: this.#applicationName, pipelineId };
    this.#faults.add(faultIn(log, { ...details, operationId: id, message }));
  }
}

function keyOf(pipelineId: number, upstreamName: string): string {
  return `${pipelineId} ${upstreamName}`;
}
