import {
  Aggregate,
  Application,
  type DomainEvent,
  type ErrorRule,
  type ParkingOptions,
  ProcessApplication,
  System,
} from 'kahn';

export type ParcelEvent = DomainEvent<'Parcel.Sent', { number: number }>;
export type LabelEvent = DomainEvent<'Label.Printed', { parcel: string; number: number }>;

/** An aggregate that is sent several times. */
export class Parcel extends Aggregate<ParcelEvent> {
  static first(id: string, number: number): Parcel {
    return Parcel.create('Parcel.Sent', { number }, id);
  }

  send(number: number): void {
    this.trigger('Parcel.Sent', { number });
  }

  protected override apply(): void {}
}

/** What was printed for one parcel, in order. */
export class Label extends Aggregate<LabelEvent> {
  readonly numbers: number[] = [];

  static first(id: string, parcel: string, number: number): Label {
    return Label.create('Label.Printed', { parcel, number }, id);
  }

  print(parcel: string, number: number): void {
    this.trigger('Label.Printed', { parcel, number });
  }

  protected override apply(event: LabelEvent): void {
    this.numbers.push(event.data.number);
  }
}

export class Parcels extends Application<ParcelEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = ['Parcel.Sent'] as const;

  async send(id: string, number: number) {
    const isNew = !(await this.repository.has(Parcel, id));
    const parcel = isNew ? Parcel.first(id, number) : await this.repository.get(Parcel, id);
    if (!isNew) parcel.send(number);
    return await this.save(parcel);
  }
}

export class JammedError extends Error {
  override readonly name = 'JammedError';
}

/** Prints a label for each parcel. `meanwhile` may fail. */
export class Labels extends ProcessApplication<LabelEvent, ParcelEvent> {
  static readonly applicationName: string = 'labels';
  static readonly emits = ['Label.Printed'] as const;
  static readonly errorRules: readonly ErrorRule[] = [{ error: JammedError, action: 'park' }];
  static readonly parking: ParkingOptions = {};
  /** Called with each event. */
  static meanwhile: (number: number, signal: AbortSignal) => void | Promise<void> = () => {};

  override readonly policy = this.when({
    'Parcel.Sent': async ({ originatorId, data: { number } }, repository, { signal }) => {
      await (this.constructor as typeof Labels).meanwhile(number, signal);
      const id = `label of ${originatorId}`;
      if (!(await repository.has(Label, id))) return Label.first(id, originatorId, number);
      const label = await repository.get(Label, id);
      label.print(originatorId, number);
      return undefined;
    },
  });

  /** Numbers that were printed for parcels, in order. */
  async printed(...parcels: readonly string[]): Promise<readonly (readonly number[])[]> {
    const found: (readonly number[])[] = [];
    for (const parcel of parcels) {
      const id = `label of ${parcel}`;
      found.push(
        (await this.repository.has(Label, id)) ? (await this.repository.get(Label, id)).numbers : [],
      );
    }
    return found;
  }
}

/** Counts the labels. */
export class Postings extends ProcessApplication<ParcelEvent, LabelEvent> {
  static readonly applicationName = 'postings';
  static readonly emits = ['Parcel.Sent'] as const;

  override readonly policy = this.when({
    'Label.Printed': (event, repository) => Parcel.first(repository.deriveId(), event.data.number),
  });
}

export const parcelDesk = System.of([[Parcels, Labels, Postings]]);
