import { Personal } from '../../domain/personal.ts';
import type { PersonalType } from '../../storage/codec/personal-type.ts';
import { personalTag } from '../../storage/codec/tags.ts';

export const nestedReason = 'personal data holds other personal data; keep them side by side';

/** Refuses personal data inside of personal data, whose key could not be found before it is decrypted. */
export const nestedPersonalType: PersonalType = {
  name: personalTag,
  type: Personal,
  beginEncoding() {},
  endEncoding() {},
  copying: (copy) => copy(),
  encode() {
    throw new TypeError(nestedReason);
  },
  decode() {
    throw new TypeError(nestedReason);
  },
};
