import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Certificate and private key in PEM format. */
export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

/** Self-signed authority. */
export interface Authority {
  readonly certificate: string;
  /** Issues a certificate for a server or a client with this name. */
  issue(name: string): Certified;
}

// The part of DER that X.509 needs: https://www.rfc-editor.org/rfc/rfc5280#section-4.1
const der = (tag: number, ...contents: Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
};
const sequence = (...items: Uint8Array[]): Buffer => der(0x30, ...items);
const octets = (content: Uint8Array): Buffer => der(0x04, content);
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const explicit = (number: number, content: Uint8Array): Buffer => der(0xa0 + number, content);
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.of(0), content);

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
const validity = sequence(text(0x17, '200101000000Z'), text(0x17, '491231235959Z'));

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(objectId('550403'), text(0x0c, commonName))));
/** Extension of authorities only. */
const basicConstraints = sequence(
  objectId('551d13'),
  der(0x01, Buffer.of(0xff)),
  octets(sequence(der(0x01, Buffer.of(0xff)))),
);
const subjectAltName = (dnsName: string): Buffer =>
  sequence(objectId('551d11'), octets(sequence(text(0x82, dnsName))));

interface Request {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extension: Buffer;
}

/** Creates an authority that is not trusted by default. */
export function makeAuthority(): Authority {
  const own = newKeys();
  const issuer = 'kahn test authority';
  const certify = ({ subject, publicKey, extension }: Omit<Request, 'issuer'>): string =>
    signed({ issuer, subject, publicKey, extension }, own.privateKey);
  return {
    certificate: certify({ subject: issuer, publicKey: own.publicKey, extension: basicConstraints }),
    issue(subject) {
      const { publicKey, privateKey } = newKeys();
      const certificate = certify({ subject, publicKey, extension: subjectAltName(subject) });
      return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function signed({ issuer, subject, publicKey, extension }: Request, key: KeyObject): string {
  const version3 = explicit(0, der(0x02, Buffer.of(2)));
  const serialNumber = der(0x02, Buffer.of(1), randomBytes(8));
  const content = sequence(
    version3,
    serialNumber,
    ecdsaWithSha256,
    nameOf(issuer),
    validity,
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(extension)),
  );
  const certificate = sequence(content, ecdsaWithSha256, bits(sign('sha256', content, key)));
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
