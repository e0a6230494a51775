import { createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { AwsError } from '../../core/operation.ts';

/** S3 wants the payload's hash in a header, too: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function checkPayload(claimed: string | undefined, body: Buffer): void {
  if (claimed === undefined) {
    throw new AwsError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  if (!/^[0-9a-f]{64}$/.test(claimed)) {
    throw new AwsError('NotImplemented', `The sandbox does not have payloads that are signed as ${claimed}`, 501);
  }
  if (claimed === hash('sha256', body)) return;
  throw new AwsError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html: CRC32 is what SDKs send by default */
export function checkChecksum(headers: Readonly<Record<string, string | undefined>>, body: Buffer): void {
  const claimed = headers['x-amz-checksum-crc32'];
  if (claimed !== undefined && claimed !== crc32Of(body)) {
    throw new AwsError('BadDigest', 'The CRC32 you specified did not match the calculated checksum.');
  }
  const md5 = headers['content-md5'];
  if (md5 === undefined || md5 === createHash('md5').update(body).digest('base64')) return;
  throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
}

function crc32Of(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}

/** Whether a request says what its body must be, as some operations want it. */
export const hasChecksum = (headers: Readonly<Record<string, string | undefined>>) =>
  headers['content-md5'] !== undefined || headers['x-amz-checksum-crc32'] !== undefined;

/** Of an object that came in one part, and without a KMS key. */
export const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
