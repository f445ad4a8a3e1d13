import { KahnError } from '../../util/errors.ts';

/** Personal data was not recorded, because its subject was shredded before. */
export class SubjectShreddedError extends KahnError {
  override readonly code = 'SUBJECT_SHREDDED';
  declare readonly applicationName: string;
  /** Id of the subject. */
  declare readonly subject: string;

  constructor(applicationName: string, subject: string) {
    super(
      `Application '${applicationName}' cannot record personal data of '${subject}': the subject was shredded. Nothing is ` +
        'recorded. If the person returns, use a new subject id.',
      { applicationName, subject },
    );
  }
}

/** Personal data cannot be read, although the key of its subject was not deleted: a key or a text is lost or damaged. */
export class PersonalUnreadableError extends KahnError {
  override readonly code = 'PERSONAL_UNREADABLE';
  /** Id of the subject. */
  declare readonly subject: string;

  constructor(subject: string, reason: string) {
    super(`The personal data of '${subject}' cannot be read: ${reason}.`, { subject });
  }
}

/** Personal data cannot be recorded or shredded, because the storage keeps no keys of subjects. */
export class PersonalNotSupportedError extends KahnError {
  override readonly code = 'PERSONAL_NOT_SUPPORTED';
  declare readonly applicationName: string;

  constructor(applicationName: string) {
    super(
      `Application '${applicationName}' cannot record or shred personal data: its storage has no method ` +
        'openSubjectKeys(). Use memory(), sqlite() or postgres(), or add the method to the storage.',
      { applicationName },
    );
  }
}
