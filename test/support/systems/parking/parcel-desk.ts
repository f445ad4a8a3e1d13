import {
  Aggregate,
  Application,
  type DomainEvent,
  type ErrorRule,
  type ParkingOptions,
  type PolicyRepository,
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

export type AuditEvent = DomainEvent<'Audit.Sent' | 'Audit.Printed', { number: number }>;

/** What an audit has seen of a parcel, or of its label. */
export class Audit extends Aggregate<AuditEvent> {
  readonly numbers: number[] = [];

  note(type: AuditEvent['type'], number: number): void {
    this.trigger(type, { number });
  }

  static first(id: string, type: AuditEvent['type'], number: number): Audit {
    return Audit.create(type, { number }, id);
  }

  protected override apply({ data: { number } }: AuditEvent): void {
    this.numbers.push(number);
  }
}

/** Follows parcels and their labels. Fails for good on a label whose parcel it has not seen. */
export class Audits extends ProcessApplication<AuditEvent, ParcelEvent | LabelEvent> {
  static readonly applicationName = 'audits';
  static readonly emits = ['Audit.Sent', 'Audit.Printed'] as const;
  static readonly errorRules: readonly ErrorRule[] = [
    { error: JammedError, retry: { times: 1, firstMs: 1, maxMs: 1 }, action: 'park' },
  ];
  /** Called with each event. */
  static meanwhile: (type: string, number: number) => void = () => {};

  override readonly policy = this.when({
    'Parcel.Sent': ({ originatorId, data: { number } }, repository) => {
      Audits.meanwhile('sent', number);
      return note(repository, `parcel ${originatorId}`, 'Audit.Sent', number);
    },
    'Label.Printed': async ({ data: { parcel, number } }, repository) => {
      Audits.meanwhile('printed', number);
      const sent = await repository.get(Audit, `parcel ${parcel}`);
      if (!sent.numbers.includes(number)) throw new RangeError(`label ${number} before its parcel`);
      return note(repository, `label ${parcel}`, 'Audit.Printed', number);
    },
  });
}

async function note(
  repository: PolicyRepository<AuditEvent>,
  id: string,
  type: AuditEvent['type'],
  number: number,
): Promise<Audit | undefined> {
  if (!(await repository.has(Audit, id))) return Audit.first(id, type, number);
  (await repository.get(Audit, id)).note(type, number);
  return undefined;
}

/** Labels follow parcels, and audits follow both. */
export const auditedDesk = System.of([
  [Parcels, Labels, Audits],
  [Parcels, Audits],
]);
