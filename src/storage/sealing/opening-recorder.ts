import { ForwardingRecorder } from '../layers/forwarding-recorder.ts';
import type { ParkedNotification, ParkedRequest } from '../parked.ts';
import type { RecordedOperation, RecordedPosition, Recorder, StoredCommand } from '../recorder.ts';
import { placeOfMark } from './place.ts';
import { convertAll, openCommand, openOperation, openParked } from './sealed-contents.ts';
import type { TextSeal } from './text-seal.ts';

/** Opens the texts of positions, operations, commands and parked notifications that another recorder reads. */
export class OpeningRecorder extends ForwardingRecorder {
  protected readonly seal: TextSeal;

  constructor(inner: Recorder, seal: TextSeal) {
    super(inner);
    this.seal = seal;
  }

  override async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.#openPosition(await this.inner.position(pipelineId, upstreamName));
  }

  override async positions(): Promise<readonly RecordedPosition[]> {
    return convertAll(await this.inner.positions(), this.#openPosition);
  }

  override async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    const operations = await this.inner.operations(after, limit);
    return convertAll(operations, (operation) => openOperation(this.seal, operation));
  }

  protected override commandOf(command: StoredCommand): Promise<StoredCommand> {
    return openCommand(this.seal, command);
  }

  protected override async parkedOf(
    request: ParkedRequest,
    read: (request: ParkedRequest) => Promise<readonly ParkedNotification[]>,
  ): Promise<readonly ParkedNotification[]> {
    return convertAll(await read(request), (one) => openParked(this.seal, request.pipelineId, one));
  }

  readonly #openPosition = async (recorded: RecordedPosition): Promise<RecordedPosition> => {
    const { pipelineId, upstreamName, mark } = recorded;
    if (mark === undefined) return recorded;
    return { ...recorded, mark: await this.seal.open(mark, placeOfMark(pipelineId, upstreamName)) };
  };
}
