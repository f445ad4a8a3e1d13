import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
/** Bytes of the random initialization vector in front of the encrypted bytes, and of the tag behind them. */
const ivLength = 12;
const tagLength = 16;

/** Encrypts with AES-256-GCM, under a new random initialization vector. Returns it, the encrypted bytes and the tag. */
export function encrypted(content: string | Buffer, authenticated: string, key: KeyObject): Buffer {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagLength });
  cipher.setAAD(Buffer.from(authenticated));
  const body = typeof content === 'string' ? cipher.update(content, 'utf8') : cipher.update(content);
  return Buffer.concat([iv, body, cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts what {@link encrypted} returned; undefined if it is not authentic. */
export function decrypted(bytes: Buffer, authenticated: string, key: KeyObject): Buffer | undefined {
  const end = bytes.length - tagLength;
  if (end < ivLength) return undefined;
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivLength), {
    authTagLength: tagLength,
  });
  decipher.setAAD(Buffer.from(authenticated));
  decipher.setAuthTag(bytes.subarray(end));
  const content = decipher.update(bytes.subarray(ivLength, end));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined; // an error of OpenSSL says no more
  }
}
