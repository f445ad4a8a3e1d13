import { type Personal, type PersonalContent, personalInternals, shredded } from '../../domain/personal.ts';
import type { Transcoder } from '../../storage/codec/transcoder.ts';
import { PersonalUnreadableError } from './errors.ts';
import type { SubjectCipher } from './subject-cipher.ts';

/** Content of personal data in the form in which it is recorded, with the cipher that decrypts it. */
export class SealedContent implements PersonalContent {
  readonly cipher: SubjectCipher;
  /** The encrypted content. */
  readonly text: string;
  readonly #transcoder: Transcoder;

  constructor(cipher: SubjectCipher, text: string, transcoder: Transcoder) {
    this.cipher = cipher;
    this.text = text;
    this.#transcoder = transcoder;
  }

  get isShredded(): boolean {
    return this.cipher.isDeleted;
  }

  read(): unknown {
    const { cipher, text } = this;
    if (cipher.isDeleted) return shredded;
    if (!cipher.hasKey) {
      throw new PersonalUnreadableError(
        cipher.subject,
        'the table of keys does not have its key. Restore the keys of subjects together with the events',
      );
    }
    const content = cipher.open(text);
    if (content !== undefined) return this.#transcoder.decode(content);
    throw new PersonalUnreadableError(cipher.subject, 'its text is damaged. Restore it from a backup');
  }
}

/** Whether two recorded personal data have the same subject and, as far as their texts tell, the same content. */
export function isSamePersonal(one: Personal, other: Personal): boolean {
  if (one.subject !== other.subject) return false;
  const [first, second] = [one, other].map(personalInternals.contentOf);
  if (!(first instanceof SealedContent) || !(second instanceof SealedContent)) return true;
  return first.cipher !== second.cipher || first.text === second.text;
}
