import { vi } from 'vitest';
import type { S3 } from '../../../lib/aws/signed/s3.ts';

/** Of the running test: a function that stays loaded has the client of an earlier one. */
const objects = new Map<string, Buffer>();
const written: string[] = [];

/** What functions know by its class. */
class ObjectNotReadable extends Error {
  readonly code = refusal;
}
/** Who may not list a bucket does not learn what is not there. */
let refusal = 'AccessDenied';

const s3: S3 = {
  get: async (url, maxBytes) => {
    const bytes = objects.get(url);
    const { TooLongAnswer } = await import('../../../lib/aws/http.ts');
    if (bytes === undefined) throw new ObjectNotReadable(`nothing at ${url}`);
    if (bytes.length > maxBytes) throw new TooLongAnswer(url);
    return bytes;
  },
  put: async (url, bytes) => {
    written.push(url);
    objects.set(url, Buffer.from(bytes));
  },
};

/** S3 with these objects, in place of `createS3`'s. Its own test has what it sends. */
export function fakeS3(initial: Readonly<Record<string, string | Buffer>>) {
  vi.doMock('../../../lib/aws/signed/s3.ts', () => ({ createS3: () => s3, ObjectNotReadable }));
  objects.clear();
  refusal = 'AccessDenied';
  written.length = 0;
  for (const [url, content] of Object.entries(initial)) objects.set(url, Buffer.from(content));
  const letListing = () => {
    refusal = 'NoSuchKey';
  };
  const moveBucket = () => {
    refusal = 'PermanentRedirect';
  };
  return { objects, written, letListing, moveBucket };
}
