import { AwsError, type Caller } from '../../core/operation.ts';
import { decide } from '../../core/policies/policy.ts';
import type { ObjectPlace, StoredObject } from './object-store.ts';
import { denied, noSuchBucket, type S3Input, type S3Operation, type S3Parts } from './operations.ts';
import { etagOf } from './payload.ts';

/** What one part of an upload may have: lib-storage begins to upload in parts at 5 MiB. */
const maxBytes = 5 * 1024 * 1024;

/** The operations on one object. */
export function objectAnswers({ objects, now }: Pick<S3Parts, 'objects' | 'now'>) {
  /** @throws AwsError as S3 does when there is none */
  function existing(place: ObjectPlace, caller: Caller | undefined): StoredObject {
    const found = objects.object(place);
    if (found !== undefined) return found;
    if (!objects.has(place.bucket)) throw noSuchBucket();
    // Who may not list the bucket does not learn what is not there (API reference, GetObject, "Permissions").
    const mayList =
      caller !== undefined && decide(caller, objects.access('s3:ListBucket', { bucket: place.bucket })).allowed;
    throw mayList ? new AwsError('NoSuchKey', 'The specified key does not exist.', 404) : denied();
  }

  const headersOf = ({ bytes, contentType, metadata, lastModified }: StoredObject) => ({
    etag: etagOf(bytes),
    'accept-ranges': 'bytes',
    'content-type': contentType,
    'content-length': String(bytes.length),
    'last-modified': new Date(lastModified).toUTCString(),
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  });

  return {
    GetObject: {
      method: 'GET',
      ofBucket: false,
      parameters: [],
      action: 's3:GetObject',
      run({ place, caller }: S3Input) {
        const object = existing(place, caller);
        return { status: 200, headers: headersOf(object), body: object.bytes.toString('utf8'), bytes: object.bytes };
      },
    },
    HeadObject: {
      method: 'HEAD',
      ofBucket: false,
      parameters: [],
      action: 's3:GetObject',
      run: ({ place, caller }: S3Input) => ({ status: 200, headers: headersOf(existing(place, caller)), body: '' }),
    },
    PutObject: {
      method: 'PUT',
      ofBucket: false,
      parameters: [],
      action: 's3:PutObject',
      run({ place, headers, body }: S3Input) {
        // The vendor's bucket is another account's, which lets others read alone.
        if (objects.isPublic(place.bucket)) throw denied();
        if (!objects.has(place.bucket)) throw noSuchBucket();
        if (body.length > maxBytes)
          throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
        const contentType = headers['content-type'];
        objects.put(place, body, {
          lastModified: now(),
          metadata: metadataOf(headers),
          ...(contentType !== undefined && { contentType }),
        });
        return { status: 200, headers: { etag: etagOf(body) }, body: '' };
      },
    },
  } satisfies Record<string, S3Operation>;
}

const metadataOf = (headers: S3Input['headers']) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const [, own] = /^x-amz-meta-(.+)$/.exec(name) ?? [];
      return own === undefined || value === undefined ? [] : [[own, value] as const];
    }),
  );
